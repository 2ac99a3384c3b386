"""A job's heart: renews its lease, carries its progress, and stops it when it is ours no more."""

import contextlib
import contextvars
import math
import threading
import time
from collections.abc import Callable, Iterator

import structlog

from pipeline.errors import Stopped
from workers.database import is_away
from workers.ledger.values import Progress

log = structlog.get_logger(__name__)

# Often enough that somebody who cancels a silent job sees it end within seconds.
BEAT_S = 4.0
# Progress that people watch is written at most this often.
SHOW_S = 2.0

Beat = Callable[[Progress], bool]
Watch = Callable[[Progress], None]


class Lapsed(Stopped):
    """The claim could not be renewed in time, or we stood still: another may be at the job."""

    code = "lapsed"


def nobody(progress: Progress) -> None:
    """A `Watch` for nobody."""


class Heart:
    """What a job is given: it says how far it is, and looks at `stop`, which is set when the job must end at once."""

    def __init__(self, *, watch: Watch = nobody) -> None:
        self.stop = threading.Event()
        self._watch = watch
        self._now = Progress()
        self._began_at = time.monotonic()
        self._took_s: dict[str, float] = {}
        self._shown = ("", 0.0)
        self._wake = threading.Event()
        self._ended = False
        # by this machine's monotonic clock, which also runs on while the process stands still
        self._sure_until = math.inf

    def progress(self, stage: str, share: float, note: str = "") -> None:
        """Tell how far the job is: the stage, and the share of it that is done (0 … 1)."""
        if stage != self._now.stage:
            self._leave_stage()
        share = min(max(share, 0.0), 1.0)
        self._now = Progress(stage=stage, share=share, note=note, took_s=dict(self._took_s))
        self._watch(self._now)
        shown_stage, shown_at = self._shown
        if stage != shown_stage or time.monotonic() > shown_at + SHOW_S:
            self._wake.set()

    def must_hold(self) -> None:
        """Before a step that is ours alone. Raises `Lapsed` unless half of the lease lies ahead, `Stopped` when asked to."""
        if time.monotonic() > self._sure_until:
            self.stop.set()
            raise Lapsed("the claim may be another's by now, it was not renewed for too long; the job is begun again")
        if self.stop.is_set():
            raise Stopped("we were asked to stop")

    def _leave_stage(self) -> None:
        now = time.monotonic()
        if self._now.stage:
            self._took_s[self._now.stage] = self._took_s.get(self._now.stage, 0.0) + now - self._began_at
        self._began_at = now

    @contextlib.contextmanager
    def beating(self, beat: Beat, lease_s: float) -> Iterator[None]:
        """While inside, `beat` renews the lease every few seconds and sooner when there is progress to show."""
        self._sure_until = time.monotonic() + lease_s / 2
        speaker = contextvars.copy_context()  # what the heart writes into the log is about its job
        thread = threading.Thread(target=speaker.run, args=(self._run, beat, lease_s), name="heart", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended = True
            self._wake.set()
            thread.join()

    def _run(self, beat: Beat, lease_s: float) -> None:
        renewed_at = time.monotonic()
        while not self._ends_within(min(BEAT_S, lease_s / 4)):
            beaten_at = time.monotonic()
            self._shown = (self._now.stage, beaten_at)
            try:
                alive = beat(self._now)
            except Exception as error:  # the database is away: our lease holds for as long as it was given
                if not is_away(error):
                    log.exception("heart_missed", next="it beats again while the lease lasts")
                if time.monotonic() < renewed_at + lease_s:
                    continue
                alive = False
            if not alive:
                self.stop.set()
                return
            renewed_at = beaten_at
            self._sure_until = beaten_at + lease_s / 2

    def _ends_within(self, wait_s: float) -> bool:
        """Wait so long, or until there is something to show."""
        self._wake.wait(wait_s)
        self._wake.clear()
        return self._ended
