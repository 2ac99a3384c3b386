import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import child_works as works
import pytest

from pipeline import child
from pipeline.child import Children
from pipeline.errors import Broken, Hindered, Refused, Stopped, ToolFailed
from pipeline.journal import write_whole
from pipeline.limits import Limits


@pytest.fixture(autouse=True)
def path_to_works(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(works.__file__).parent))


def limited(**limits) -> Children:
    return Children(limits=Limits(**limits))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def waited(until, patience_s: float = 15.0) -> bool:
    ends_at = time.monotonic() + patience_s
    while not until() and time.monotonic() < ends_at:
        time.sleep(0.02)
    return bool(until())


def test_values_travel_there_and_back_and_progress_comes_in_between(tmp_path):
    told: list[float] = []
    wish = works.Wish(name='ü "quoted"\n', folder=tmp_path, sizes=(1, 2, 3))
    assert Children().run(works.give, wish, 0.5, report=told.append) == works.Gift(wish=wish, total=3.0)
    assert told == [0.25, 0.5, 1.0]


@pytest.mark.parametrize(("how", "kind"), [("refused", Refused), ("broken", Broken), ("hindered", Hindered), ("stopped", Stopped)])
def test_what_the_child_raises_is_raised_here(how, kind):
    with pytest.raises(kind, match=f"{how} on purpose") as error:
        Children().run(works.fail, how)
    assert error.value.code == f"{how}_code"


def test_a_fault_in_our_own_code_comes_with_the_end_of_what_was_said():
    with pytest.raises(ToolFailed, match="trip ended with status 1: ValueError: invalid literal") as failure:
        Children().run(works.trip)
    assert "about to trip" in failure.value.said and failure.value.command == ("child_works:trip",)


def test_a_child_that_ends_without_an_answer_has_failed():
    with pytest.raises(ToolFailed, match="vanish ended with status 7"):
        Children().run(works.vanish)


# ---- limits


@pytest.mark.parametrize("grabs", [works.hoard, works.grab_in_c])
def test_memory_is_limited(grabs):
    with pytest.raises(Broken, match=r"needs more memory than the 1,073,741,824 bytes that limits\.memory_bytes allows") as broken:
        limited(memory_bytes=1 << 30).run(grabs)
    assert broken.value.code == "out_of_memory"


@pytest.mark.parametrize("writes", [works.write_much, works.write_much_in_a_program])
def test_the_size_of_files_is_limited(writes, tmp_path):
    with pytest.raises(Broken, match=r"wrote a larger file than the 1,048,576 bytes that limits\.file_bytes allows") as broken:
        limited(file_bytes=1 << 20).run(writes, tmp_path / "much")
    assert broken.value.code == "file_too_large"


@pytest.mark.parametrize("spins", [works.spin, works.spin_in_a_program])
def test_processor_time_is_limited(spins):
    with pytest.raises(Broken, match=r"used more processor time than the 1 s that limits\.cpu_s allows") as broken:
        limited(cpu_s=1).run(spins)
    assert broken.value.code == "out_of_cpu"


def test_whoever_ignores_that_his_time_is_up_is_killed():
    with pytest.raises(ToolFailed, match="was killed by signal 9"):
        limited(cpu_s=1).run(works.spin_regardless)


@pytest.mark.parametrize("hangs", [works.spin, works.hang, works.hang_after_closing_its_answers])
def test_time_is_limited_also_for_whoever_says_nothing(hangs, monkeypatch):
    monkeypatch.setattr(child, "GRACE_S", 1.0)
    with pytest.raises(Broken) as broken:
        limited(wall_s=1.0).run(hangs)
    assert broken.value.code == ("bad_answer" if hangs is works.hang_after_closing_its_answers else "out_of_time")


def test_a_limit_of_time_is_told_by_name():
    with pytest.raises(Broken, match=r"^hang took longer than the 1 s that limits\.wall_s allows and was ended$"):
        limited(wall_s=1.0).run(works.hang)


@pytest.mark.parametrize("why", ["ENOSPC", "EDQUOT"])
def test_a_full_disk_is_in_the_way_and_no_fault_of_the_work(why):
    with pytest.raises(Hindered, match="no space left on the disk; make room where data_dir lies") as hindered:
        Children().run(works.find_no_room, why)
    assert hindered.value.code == "disk_full"


def test_a_missing_file_is_told_by_name(tmp_path):
    with pytest.raises(Broken, match=r"open_missing: No such file or directory: .*gone"):
        Children().run(works.open_missing, tmp_path / "gone")


def test_stopping_ends_the_child_and_all_it_started(tmp_path):
    children, mark = Children(), tmp_path / "mark"
    waiter = threading.Thread(target=lambda: (waited(mark.exists), children.stop.set()))
    waiter.start()
    with pytest.raises(Stopped, match="was stopped"):
        children.run(works.sleep_with_a_grandchild, mark)
    waiter.join()
    child, grandchild = map(int, mark.read_text().split())
    assert waited(lambda: not alive(child) and not alive(grandchild))


def test_once_stopped_nothing_more_is_started():
    children = Children()
    children.stop.set()
    with pytest.raises(Stopped, match="was not started"):
        children.run(works.vanish)


@pytest.mark.parametrize("stands_still", [False, True])
def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path, stands_still):
    mark = tmp_path / "mark"
    program = f"import child_works, pathlib; from pipeline.child import Children; Children().run(child_works.sleep_with_a_grandchild, pathlib.Path({str(mark)!r}))"  # noqa: E501
    parent = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(Path(works.__file__).parent)})
    assert waited(lambda: mark.exists() and mark.read_text())
    child, grandchild = map(int, mark.read_text().split())
    if stands_still:
        os.kill(child, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    assert waited(lambda: not alive(child) and not alive(grandchild))


# ---- ended whole


@pytest.mark.parametrize("leaves", [works.leave_a_grandchild, works.leave_a_grandchild_in_the_background])
def test_nothing_that_a_child_started_is_left_when_it_has_answered(leaves, tmp_path):
    grandchild = Children().run(leaves, tmp_path / "mark")
    assert waited(lambda: not alive(grandchild))


def test_a_child_that_will_not_end_is_made_to_with_all_it_started(monkeypatch, tmp_path):
    monkeypatch.setattr(child, "GRACE_S", 0.5)
    children, mark = Children(), tmp_path / "mark"
    with pytest.raises(Stopped):
        children.run(works.ignore_being_asked, mark, report=lambda _: children.stop.set())
    assert waited(lambda: not any(alive(pid) for pid in map(int, mark.read_text().split())))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can refuse it")
@pytest.mark.parametrize("how", ["setsid", "setpgid"])
def test_nobody_leaves_the_group_by_which_he_is_ended(how):
    assert Children().run(works.try_to_leave, how) == "Operation not permitted"


# ---- pipes


@pytest.mark.parametrize(
    "says", [works.say_garbage, works.say_no_object, works.say_no_number, works.say_a_deep_thing, works.say_another_type]
)  # fmt: skip
def test_an_answer_that_is_none_is_told_in_one_line(says):
    with pytest.raises(Broken, match="gave an answer that is none") as broken:
        Children().run(says)
    assert broken.value.code == "bad_answer" and len(str(broken.value)) < 300


@pytest.mark.parametrize("floods", [works.flood_with_progress, works.flood_with_one_line])
def test_who_floods_the_pipe_of_answers_is_ended(floods, monkeypatch):
    monkeypatch.setattr(child, "MOST_BYTES", 1 << 20)
    with pytest.raises(Broken, match="answers with more than 1,048,576 bytes"):
        Children().run(floods)


def test_complaints_without_end_hold_nobody_and_fill_no_memory():
    assert Children().run(works.complain_without_end) == 200 << 20


def test_a_long_request_reaches_a_child():
    wish = works.Wish(name="long " * 100_000, folder=Path("/"))
    assert Children().run(works.give, wish, 1.0).wish == wish


# ---- turns


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no policies")
@pytest.mark.parametrize(("yields", "policy"), [(False, "SCHED_OTHER"), (True, "SCHED_IDLE")])
def test_threads_and_programs_of_a_child_take_turns_as_it_does(yields, policy):
    assert limited(yields=yields).run(works.policies) == (getattr(os, policy),) * 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know no policies")
def test_a_child_that_yields_leaves_the_processor_to_one_that_does_not(tmp_path):
    cpu, go, ready = min(os.sched_getaffinity(0)), tmp_path / "go", threading.Semaphore(0)
    with ThreadPoolExecutor(2) as pool:
        yielding, plain = (
            pool.submit(limited(yields=yields).run, works.busy_s, cpu, go, report=lambda _: ready.release())
            for yields in (True, False)
        )
        assert ready.acquire(timeout=60) and ready.acquire(timeout=60)
        write_whole(go, str(time.monotonic() + 2).encode())
        assert plain.result() > 4 * yielding.result()
