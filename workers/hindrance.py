"""What is in a job's way though nothing is wrong with the job: told apart from what is, whoever met it."""

import errno
import time
from collections.abc import Callable

from pipeline.errors import Hindered
from workers.database import is_away

# After the n-th hindrance in a row a worker leaves its queue alone for 1, 2, 4 … seconds, so that one whose disk is full does not
# take every job from those who could do it.
LONGEST_REST_S = 30.0


def hindrance(error: Exception) -> Hindered | None:
    """The hindrance that the error tells of, or None when it is about the job itself."""
    if isinstance(error, Hindered):
        return error
    if is_away(error):
        why = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        return Hindered(f"the database does not answer: {why}; it goes on when it does", code="database_away")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        said = f"no space is left for {error.filename or 'a file'}; make room where data_dir lies, and it goes on by itself"
        return Hindered(said, code="disk_full")
    return None


class Rest:
    """How long a worker leaves each queue alone after it was hindered there again and again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def is_due(self, queue: str) -> bool:
        """Whether the queue is to be left alone now."""
        return self._clock() < self._until.get(queue, 0.0)

    def hindered(self, queue: str) -> None:
        """It was hindered there once more."""
        times = self._times[queue] = self._times.get(queue, 0) + 1
        self._until[queue] = self._clock() + min(2.0 ** (times - 1), LONGEST_REST_S)

    def went_on(self, queue: str) -> None:
        """Nothing was in the way there."""
        self._times.pop(queue, None)
