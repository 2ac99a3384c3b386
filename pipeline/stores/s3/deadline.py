"""Until when requests may begin, for what has to be done before a lease runs out; boto3 itself only bounds one request."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator


class TooLateError(Exception):
    """The time for this is over; whoever asks may begin again."""


class Deadline(threading.local):
    """One for all threads, each with its own time."""

    at_s = math.inf

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        before = self.at_s
        self.at_s = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.at_s = before

    def check(self, **_: object) -> None:
        """Heard by boto3 before each request, the repeated ones too."""
        if time.monotonic() > self.at_s:
            raise TooLateError("it took too long")
