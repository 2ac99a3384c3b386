"""A process that stood still and is told to end the moment it wakes, ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from fakes_work import until

ENDS_WITHIN_S = 30.0
# With so many threads the system nearly always hands the signal to one that Python does not listen in.
PROGRAM = """
import threading, time
from workers.ending import told_to_end, wait_until

def be_there():
    while True:
        time.sleep(0.01)

for _ in range(12):
    threading.Thread(target=be_there, daemon=True).start()
with told_to_end() as told:
    print("here", flush=True)
    wait_until(told)
"""


def test_a_signal_that_comes_with_the_waking_is_heard() -> None:
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as sleeper:
            assert sleeper.stdout and sleeper.stdout.readline() == b"here\n"
            time.sleep(0.1)  # it waits by now
            os.kill(sleeper.pid, signal.SIGSTOP)
            until(lambda: all(map(is_still, Path(f"/proc/{sleeper.pid}/task").iterdir())))
            os.kill(sleeper.pid, signal.SIGCONT)
            os.kill(sleeper.pid, signal.SIGTERM)
            try:
                assert sleeper.wait(ENDS_WITHIN_S) == 0
            finally:
                sleeper.kill()


def is_still(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
