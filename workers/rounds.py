"""The rounds: every errand is run at its own pace, in a thread of its own, for as long as the process sweeps.

What only one process at a time shall do is guarded by a lease of the errand's name. That keeps others away while all goes well; an
errand that takes longer than twice its pace, or whose holder stalls, may be run by two at once and must not mind.
"""

import threading
import time
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import DBAPIError

from workers.database import Database
from workers.duty import has_duty
from workers.errands import Errand
from workers.owner import me

log = structlog.get_logger(__name__)

# How much longer than twice its pace an errand stays with whoever ran it last.
SPARE_S = 30.0
# An errand that is in the middle of something is not waited for any longer than this; nothing it does needs its end.
PATIENCE_S = 3.0


class Rounds:
    """Runs errands until stopped; one that fails is told in the log and run again when it is due."""

    def __init__(self, database: Database, errands: Sequence[Errand]) -> None:
        self.database = database
        self.owner = me()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_running, args=(errand,), name=f"errand-{errand.name}", daemon=True)
            for errand in errands
        ]

    def start(self) -> None:
        """Run every errand now, and again whenever it is due."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin none any more; those that run are waited for a moment and then left to end with the process."""
        self._stop.set()
        gives_up_at = time.monotonic() + PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, gives_up_at - time.monotonic()))

    def run(self, errand: Errand) -> bool:
        """Run the errand if it is ours to run; whether it was."""
        try:
            if not self._is_ours(errand):
                return False
            errand.run()
        except DBAPIError as error:
            log.warning("errand_failed", errand=errand.name, error=str(error.orig), next=f"again in {errand.every_s:.0f} s")
        except Exception:
            log.exception("errand_failed", errand=errand.name, next=f"again in {errand.every_s:.0f} s")
        return True

    def _is_ours(self, errand: Errand) -> bool:
        if errand.everywhere:
            return True
        with self.database.begin() as session:
            return has_duty(session, errand.name, self.owner, 2 * errand.every_s + SPARE_S)

    def _keep_running(self, errand: Errand) -> None:
        while not self._stop.is_set():
            self.run(errand)
            self._stop.wait(errand.every_s)
