"""A worker process dies at every named point of crash_points.py; whoever comes after it ends with the same bytes and rows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from crash_points import DELETES, HALVES, POINTS
from crash_trials import CrashTrial

Begin = Callable[..., CrashTrial]
# What must have happened that a trial comes to a point at all.
ASKED_TO_STOP = "after commit of claim audio"
ALONE = ("bury", "delete")
EVERYWHERE = [point for point in POINTS if not any(word in point for word in ALONE)]
# A first sample of every kind of seam, for the services that take longer.
SOME = ("after commit of intake", "before commit of finish audio", "after commit of finish words", "half put of public audio",
        "after put of public feed", "before put of private note")  # fmt: skip


def circumstances(point: str) -> dict[str, str]:
    return {"STOP_AT": ASKED_TO_STOP} if "give back" in point else {}


@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_the_end_is_the_same(begin: Begin, point: str) -> None:
    trial = begin()
    trial.dies(point, **circumstances(point))
    trial.survives()
    assert [str(violation) for violation in trial.verdict()] == []


@pytest.mark.parametrize("point", SOME)
def test_killed_at_some_points_the_end_is_the_same_on_postgresql_and_s3(begin: Begin, point: str) -> None:
    trial = begin("postgresql", "s3")
    trial.dies(point, **circumstances(point))
    trial.survives()
    assert [str(violation) for violation in trial.verdict()] == []


@pytest.mark.slow
@pytest.mark.parametrize(("database", "stores"), [("sqlite", "s3"), ("postgresql", "folder"), ("postgresql", "s3")])
@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_at_any_point_the_end_is_the_same_everywhere(begin: Begin, point: str, database: str, stores: str) -> None:
    trial = begin(database, stores)
    trial.dies(point, **circumstances(point))
    trial.survives()
    assert [str(violation) for violation in trial.verdict()] == []


@pytest.mark.slow
@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("point", EVERYWHERE)
def test_killed_when_a_point_is_passed_again_the_end_is_the_same(begin: Begin, point: str, nth: int) -> None:
    trial = begin()
    trial.run("trial", CRASH_AT=point, CRASH_NTH=str(nth), **circumstances(point))
    trial.survives()
    assert [str(violation) for violation in trial.verdict()] == []


@pytest.mark.parametrize("point", [f"{when} delete of {what}" for what in DELETES for when in ("before", "after")])
def test_killed_while_a_show_is_taken_down_it_can_be_put_up_again(begin: Begin, point: str) -> None:
    trial = begin()
    trial.survives()
    trial.dies(point, "hide")
    trial.survives("open_again")
    assert [str(violation) for violation in trial.verdict()] == []


def test_every_point_there_is_has_a_name(begin: Begin, tmp_path: Path) -> None:
    trial = begin()
    trial.survives(REACHED=str(tmp_path / "passed"))
    passed = set((tmp_path / "passed").read_text().splitlines())
    wanted = {point for point in EVERYWHERE if not circumstances(point)}
    half_of_others = {point for point in passed if point.startswith("half ") and point.removeprefix("half put of ") not in HALVES}
    assert wanted - passed == set()
    assert passed - half_of_others - wanted == set()
