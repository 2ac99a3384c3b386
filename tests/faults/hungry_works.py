"""What children do that want too much; they find it on their path."""

import os
import signal

from pipeline.child import Report


def eat(report: Report) -> int:
    """More memory than there is for it."""
    return len(bytearray(8 << 30))


def be_killed(report: Report) -> int:
    """As the system ends whoever is largest when its memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
