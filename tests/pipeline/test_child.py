import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import child_works as works
import pytest

from pipeline.child import Children, Limits
from pipeline.errors import Broken, Refused, Stopped, ToolFailed


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


@pytest.mark.parametrize(("how", "kind"), [("refused", Refused), ("broken", Broken), ("stopped", Stopped)])
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


def test_memory_is_limited():
    with pytest.raises(Broken, match="memory"):
        limited(memory_bytes=1 << 30).run(works.hoard)


def test_the_size_of_files_is_limited(tmp_path):
    with pytest.raises(Broken, match="File too large") as broken:
        limited(file_bytes=1 << 20).run(works.write_much, tmp_path / "much")
    assert broken.value.code == "os_error"


def test_processor_time_is_limited():
    with pytest.raises(ToolFailed, match="was killed by signal"):
        limited(cpu_s=1).run(works.spin)


def test_time_is_limited():
    began = time.monotonic()
    with pytest.raises(Broken, match="ran out of its time limit"):
        limited(wall_s=1.0).run(works.spin)
    assert time.monotonic() - began < 10


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


def test_a_child_does_not_outlive_a_parent_that_was_killed(tmp_path):
    mark = tmp_path / "mark"
    program = f"import child_works, pathlib; from pipeline.child import Children; Children().run(child_works.sleep_with_a_grandchild, pathlib.Path({str(mark)!r}))"  # noqa: E501
    parent = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(Path(works.__file__).parent)})
    assert waited(lambda: mark.exists() and mark.read_text())
    parent.kill()
    parent.wait()
    child, grandchild = map(int, mark.read_text().split())
    assert waited(lambda: not alive(child) and not alive(grandchild))


def test_a_child_may_be_given_a_lower_priority():
    assert limited(nice=7).run(works.priority) == os.nice(0) + 7
