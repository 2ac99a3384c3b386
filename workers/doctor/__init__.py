"""Everything that must be well before the first room ends, looked at now: each finding says what was seen and how to mend it.

All checks are made at the same time, each in a thread of its own: one that fails stops no other, and one that hangs is given up.
"""

import importlib
import threading
import time
from collections.abc import Iterator

from pipeline.errors import AircheckError
from workers.doctor import doors, floor, keeping, machine, ringing, shelves, sound
from workers.doctor.findings import Finding, Look
from workers.settings import Settings

__all__ = ["CHECKS", "Finding", "examine"]

# No check is waited for any longer.
LONGEST_S = 30.0

CHECKS: dict[str, Look] = {
    "python": machine.python, "data_dir": machine.data_dir, "disk": machine.disk, "clock": machine.clock, "fonts": machine.fonts,
    "ffmpeg": sound.ffmpeg, "decoders": sound.decoders, "speech": sound.speech,
    "database": keeping.database, "redis": ringing.redis,
    "store.url": shelves.public_store, "store.private_url": shelves.private_store,
    "hooks": doors.hooks, "mail": doors.mail, "workers": floor.workers, "rooms": floor.rooms,
}  # fmt: skip


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Every finding, in the order an operator would look."""
    _load(settings)
    began, looks = time.monotonic(), [_Look(name, look, settings) for name, look in CHECKS.items()]
    return tuple(finding for look in looks for finding in look.found(LONGEST_S - (time.monotonic() - began)))


def _load(settings: Settings) -> None:
    """What several checks use is loaded before they run side by side: modules mind being loaded twice at once."""
    for module in ("av", "redis", "workers.database", "workers.migrations", "workers.ledger.figures", "workers.ledger.overdue"):
        importlib.import_module(module)
    for url in (settings.store.url, settings.store.private_url):
        if url.startswith("s3://"):
            importlib.import_module("pipeline.stores.s3")


class _Look:
    """A check under way."""

    def __init__(self, name: str, look: Look, settings: Settings) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self._thread = threading.Thread(target=self._run, args=(look, settings), name=f"doctor-{name}", daemon=True)
        self._thread.start()

    def found(self, patience_s: float) -> list[Finding]:
        """What it found within that time."""
        self._thread.join(max(0.0, patience_s))
        late = [Finding(name=self.name, verdict="bad", said=f"gave no answer within {LONGEST_S:.0f} s", fix="look at it by hand")]
        return [*self.findings, *(late if self._thread.is_alive() else [])]

    def _run(self, look: Look, settings: Settings) -> None:
        self.findings.extend(_looked(self.name, look, settings))


def _looked(name: str, look: Look, settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except AircheckError as error:
        said, _, fix = str(error).partition("; ")
        yield Finding(name=name, verdict="bad", said=said, fix=fix or "see what it names")
    except Exception as error:  # a check must never keep the others from being made
        said = f"could not be looked at: {type(error).__name__}: {error}"
        yield Finding(name=name, verdict="bad", said=said, fix="aircheck --debug doctor")
