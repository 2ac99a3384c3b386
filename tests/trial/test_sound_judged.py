"""What the bench of sound says of what it measured."""

import subprocess
import sys
import time

import pytest

from bench.ebur128 import read
from bench.sound.judged import Outcome, claims, growth
from bench.spent import LOOK_S, Cost, Memory, Spent, cost_of, watched
from pipeline.models import Loudness

RIGHT = Loudness(integrated_lufs=-19.1, true_peak_dbtp=-1.4)


def outcome(way: str, *, wall_s: float = 10.0, cpu_s: float = 14.0, largest_mb: float = 200.0, heard: Loudness = RIGHT) -> Outcome:
    cost = Cost(wall_s=wall_s, user_s=cpu_s - 1.0, system_s=1.0)
    came_out = {"mp3": RIGHT, "opus": heard}
    return Outcome(way=way, room_s=900.0, spent=Spent({"all": cost}), memory=Memory(largest_mb=largest_mb), came_out=came_out)


def missed(*outcomes: Outcome, **floors: float) -> set[str]:
    bare = {f"ours-fast, {name}": Spent({"all": Cost(wall_s=1.0, user_s=s, system_s=9.0)}) for name, s in floors.items()}
    return {claim.what for claim in claims({one.way: one for one in outcomes}, bare) if not claim.holds}


def test_all_musts_hold_where_they_hold():
    assert missed(outcome("ours-fast"), outcome("normalize", wall_s=30.0, cpu_s=31.0), floor=10.0) == set()


def test_every_must_can_be_missed():
    slow = outcome(
        "ours-fast", cpu_s=15.0, largest_mb=401.0, heard=Loudness(integrated_lufs=-19.4, true_peak_dbtp=-0.9)
    )  # fmt: skip
    assert missed(slow, outcome("normalize", wall_s=29.0, cpu_s=32.0), floor=10.0) == {
        "ours-fast, furthest from the target, LU", "ours-fast, highest true peak, dBTP", "ours-fast, largest process, MB",
        "ffmpeg-normalize / ours-fast, wall", "ffmpeg-normalize / ours-fast, CPU", "ours-fast / floor, CPU",
    }  # fmt: skip


def test_silence_is_off_the_target():
    nothing = Loudness(integrated_lufs=None, true_peak_dbtp=None)
    assert missed(outcome("ours-quality", heard=nothing)) == {"ours-quality, furthest from the target, LU"}


def test_memory_that_grows_with_the_room_is_seen():
    [grown] = growth({"ours-fast": outcome("ours-fast")}, {"ours-fast": outcome("ours-fast", largest_mb=240.0)})
    assert grown.figure == pytest.approx(1.2) and not grown.holds


def test_a_meter_that_says_nothing_is_not_believed():
    with pytest.raises(ValueError, match="no summary"):
        read("size=N/A time=00:00:10.00")


TAKES_MEMORY = "taken = b'x' * (150 << 20); print(flush=True); input()"


def starts_two() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    processes = [subprocess.Popen([sys.executable, "-c", TAKES_MEMORY], **pipes) for _ in range(2)]
    for process in processes:
        process.stdout.readline()
    # long enough to be looked at more than once
    time.sleep(20 * LOOK_S)
    for process in processes:
        process.communicate(b"\n")


def test_memory_of_everything_that_a_way_starts_is_seen():
    _, memory = watched(starts_two)
    assert 150 < memory.largest_mb < 250 and memory.together_mb > 300


def test_what_a_program_costs_is_its_own_whatever_else_runs():
    busy = cost_of([sys.executable, "-c", "sum(range(20_000_000))"])
    idle = cost_of([sys.executable, "-c", "import time; time.sleep(0.5)"])
    assert idle.wall_s >= 0.5 and idle.cpu_s < busy.cpu_s
    with pytest.raises(RuntimeError, match="status 3"):
        cost_of([sys.executable, "-c", "raise SystemExit(3)"])
