"""The child's own side of `pipeline/child.py`: a request on stdin, JSON lines back.

python -m pipeline.child_main module:function
"""

import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, get_type_hints

from pydantic import TypeAdapter

from pipeline.child import kind_of
from pipeline.errors import AircheckError, Broken
from pipeline.limits import Limits, blamed, settle, wake_when_alone


def main() -> None:
    """Do the work that the command names."""
    wake_when_alone()
    # Libraries may print; the answer has a pipe of its own and stdout goes where stderr goes.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    limits = TypeAdapter(Limits).validate_python(request["limits"])
    settle(limits)
    _serve(sys.argv[1], request["inputs"], limits, answers)


def _die_with_parent() -> None:
    while os.read(0, 1 << 12):
        pass
    os.killpg(0, signal.SIGKILL)


def _serve(name: str, given: list[Any], limits: Limits, pipe: IO[str]) -> None:
    function = name.partition(":")[2]
    try:
        work = _found(name)
        hints = get_type_hints(work)
        inputs = [TypeAdapter(hint).validate_python(value) for hint, value in zip(hints.values(), given, strict=False)]
        result = work(*inputs, report=lambda share: _tell(pipe, progress=share))
        answer = {"result": TypeAdapter(hints["return"]).dump_python(result, mode="json")}
    except Exception as error:
        answer = _explained(function, limits, error)
    _tell(pipe, **answer)


def _found(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    work: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return work


def _explained(function: str, limits: Limits, error: Exception) -> dict[str, str]:
    """What is told of an error; one that is a fault of ours is raised again and ends the process."""
    known = error if isinstance(error, AircheckError) else blamed(function, limits, error)
    if known is None and isinstance(error, OSError):
        known = Broken(f"{function}: {error.strerror or error}: {error.filename or ''}".rstrip(": "), code="os_error")
    if known is None:
        raise error
    return {"kind": kind_of(known), "code": known.code, "message": str(known)}


def _tell(pipe: IO[str], **message: object) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


if __name__ == "__main__":
    main()
