"""Processes that shall be there are there, whatever ends them; and gone when they shall go."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from fakes_work import until

from workers import supervise
from workers.supervise import Ward, end_all, pause_s

OBEDIENT = "import sys; print('here', flush=True); sys.stdin.read()"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"


@contextlib.contextmanager
def watched(program: str) -> Iterator[Ward]:
    ward = Ward(command=(sys.executable, "-c", program), name="audio")
    try:
        yield ward
    finally:
        if ward.process:
            ward.process.kill()
            ward.process.wait()
            for pipe in filter(None, (ward.process.stdin, ward.process.stdout)):
                pipe.close()


def there(ward: Ward) -> subprocess.Popen[bytes]:
    until(lambda: (ward.look_after(), ward.process is not None)[1])
    assert ward.process
    return ward.process


def under_way(ward: Ward) -> subprocess.Popen[bytes]:
    """Its process, begun without being looked after, once it has said that it is here."""
    ward.process = subprocess.Popen(ward.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert ward.process.stdout.readline() == b"here\n"
    return ward.process


def test_who_dies_is_there_again_and_later_when_young() -> None:
    assert [pause_s(deaths) for deaths in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    with watched(OBEDIENT) as ward:
        first = there(ward)
        first.kill()
        killed_at = time.monotonic()
        until(lambda: (ward.look_after(), ward.process not in (None, first))[1])
        assert time.monotonic() - killed_at >= 1.0
        assert ward.deaths == 1


def test_who_has_lived_long_is_there_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GROWN_UP_S", 0.0)
    with watched(OBEDIENT) as ward:
        first = there(ward)
        first.kill()
        first.wait()
        ward.look_after()
        ward.look_after()
        assert ward.process not in (None, first)


def test_who_does_not_end_when_asked_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "PATIENCE_S", 0.5)
    with watched(OBEDIENT) as good, watched(DEAF) as deaf:
        processes = [under_way(ward) for ward in (good, deaf)]
        end_all([good, deaf])
        assert [process.returncode for process in processes] == [-signal.SIGTERM, -signal.SIGKILL]


def test_who_is_on_a_leash_ends_with_whoever_holds_it() -> None:
    program = (
        "from workers.ending import told_to_end\nwith told_to_end(leashed=True) as told:\n"
        "    print('here', flush=True); told.wait()"
    )
    with watched(program) as ward:
        process = under_way(ward)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == 0


def test_what_hangs_is_ended_before_a_quarter_of_a_minute_is_over() -> None:
    program = (
        "import signal, threading, time\nfrom workers import ending\nending.LEAVE_S = 0.3\nwith ending.told_to_end() as told:\n"
        "    print('here', flush=True); told.wait(); threading.Event().wait(60)"
    )
    with watched(program) as ward:
        process = under_way(ward)
        process.terminate()
        assert process.wait(20) == 1
        assert b"ended_at_once" in process.stdout.read()
