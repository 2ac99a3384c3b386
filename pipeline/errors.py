"""How things fail.

    AircheckError
    ├── Refused        this will never work (no audio, a forged event): told once, never tried again
    ├── Broken         a tool or a service failed: tried again with a growing pause
    │   ├── ToolFailed a program ended badly; carries its command and the end of what it said
    │   └── Hindered   something outside the work is in the way (disk full, store away): waited for, and no try is counted
    └── Stopped        we were asked to stop: given back as it was

Every message is one line that says what, which, with which figures, and what to do.
"""

from collections.abc import Sequence


class AircheckError(Exception):
    """Anything Aircheck itself raises; `code` is a stable word for machines, the message is for people."""

    code = "failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(" ".join(message.split()))
        if code is not None:
            self.code = code


class Refused(AircheckError):
    """This will never work, however often it is tried."""

    code = "refused"


class Broken(AircheckError):
    """A tool or a service failed; trying again may work."""

    code = "broken"


class ToolFailed(Broken):
    """A program ended badly."""

    code = "tool_failed"

    def __init__(self, message: str, *, command: Sequence[str] = (), said: str = "") -> None:
        super().__init__(message)
        self.command = tuple(command)
        self.said = said


class Hindered(Broken):
    """Nothing is wrong with the work: it goes on by itself once what is in the way has gone, however long that takes."""

    code = "hindered"


class Stopped(AircheckError):
    """We were asked to stop, or lost the right to go on; nothing is wrong with the work, and it is given back uncounted."""

    code = "stopped"
