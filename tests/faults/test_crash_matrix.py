"""A worker process dies at every named point of crash_points.py; whoever comes after it ends with the same bytes and rows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from crash_points import BELLS, DELETES, HALVES, POINTS
from crash_trials import CrashTrial

from bench.trial.evidence import leftovers

pytest_plugins = ["fakes_s3"]

Begin = Callable[..., CrashTrial]
# What must have happened that a trial comes to a point at all.
ASKED_TO_STOP = "after commit of claim audio"
ALONE = ("bury", "delete")
EVERYWHERE = [point for point in POINTS if not any(word in point for word in ALONE)]
# A first sample of every kind of seam, for the services that take longer.
SOME = ("after commit of intake", "before commit of finish audio", "half put of public audio", "after put of public feed")


def circumstances(point: str) -> dict[str, str]:
    return {"STOP_AT": ASKED_TO_STOP} if "give back" in point else {}


def said(trial: CrashTrial) -> list[str]:
    return [str(violation) for violation in trial.verdict()]


@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_the_end_is_the_same(begin: Begin, point: str) -> None:
    trial = begin()
    trial.dies(point, **circumstances(point))
    trial.survives()
    assert said(trial) == []


@pytest.mark.parametrize("point", SOME)
def test_killed_at_some_points_the_end_is_the_same_with_the_services_of_many_machines(begin: Begin, point: str) -> None:
    trial = begin("postgresql", "s3", "redis")
    trial.dies(point)
    trial.survives()
    assert said(trial) == []


@pytest.mark.parametrize("point", [f"{when} {what}" for what in BELLS for when in ("before", "after")])
def test_killed_beside_a_bell_on_redis_the_end_is_the_same(begin: Begin, point: str) -> None:
    trial = begin(bells="redis")
    trial.dies(point)
    trial.survives()
    assert said(trial) == []


def test_killed_in_the_middle_of_an_upload_in_parts_nothing_is_left_of_it(begin: Begin) -> None:
    trial = begin(stores="s3")
    # with nobody who tidies beside it: this service says of every upload that it was begun in 2010
    trial.dies("half put of public audio", "alone", IN_PARTS="yes")
    with trial.house() as house:
        assert leftovers(house.public)
    trial.survives(IN_PARTS="yes")
    assert said(trial) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "stores", "bells"), [("sqlite", "s3", "memory"), ("postgresql", "folder", "memory"), ("postgresql", "s3", "redis")]
)
@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_the_end_is_the_same_everywhere(
    begin: Begin, point: str, database: str, stores: str, bells: str
) -> None:
    trial = begin(database, stores, bells)
    trial.dies(point, **circumstances(point))
    trial.survives()
    assert said(trial) == []


@pytest.mark.slow
@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_when_a_point_is_passed_again_the_end_is_the_same(begin: Begin, point: str, nth: int) -> None:
    trial = begin()
    trial.run("trial", CRASH_AT=point, CRASH_NTH=str(nth), **circumstances(point))
    trial.survives()
    assert said(trial) == []


@pytest.mark.parametrize("point", [f"{when} delete of {what}" for what in DELETES for when in ("before", "after")])
def test_killed_while_a_show_is_taken_down_it_can_be_put_up_again(begin: Begin, point: str) -> None:
    trial = begin()
    trial.survives()
    trial.reader.stop()  # what it would see is meant
    trial.dies(point, "hide")
    trial.survives("open_again")
    assert said(trial) == []


def test_every_point_there_is_has_a_name(begin: Begin, tmp_path: Path) -> None:
    trial = begin()
    trial.survives(REACHED=str(tmp_path / "passed"))
    passed = set((tmp_path / "passed").read_text().splitlines())
    wanted = {point for point in EVERYWHERE if not circumstances(point)}
    half_of_others = {point for point in passed if point.startswith("half ") and point.removeprefix("half put of ") not in HALVES}
    assert wanted - passed == set()
    assert passed - half_of_others - wanted == set()
