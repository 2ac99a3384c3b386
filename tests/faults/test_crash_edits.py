"""Whoever dies while an edit is made leaves the old sound or the new one, and whoever comes after ends with the new one."""

from collections.abc import Callable

import pytest
from crash_trials import CrashTrial, Grounds

from bench.trial.evidence import Ending, ending_of

Begin = Callable[..., CrashTrial]
POINTS = ("before put of public audio", "half put of public audio", "after put of public audio", "before commit of finish audio")


def said(trial: CrashTrial, ending: Ending) -> list[str]:
    """What the checker says. The trial's one chapter is not of its words: an edit, which looks at them anew, finds none."""
    found = [str(violation) for violation in trial.verdict(undisturbed=ending)]
    return [violation for violation in found if not violation.endswith("has lost podcast:chapters, psc:chapters")]


def test_an_edit_in_peace_breaks_no_promise(begin: Begin) -> None:
    trial = begin()
    trial.survives()
    trial.survives("edit")
    with trial.house() as house:
        ending = ending_of(house)
        _, episode = house.episode_of("one")
    assert said(trial, ending) == []
    assert episode.sound and episode.sound.duration_s == pytest.approx(1.5, abs=0.05)
    assert episode.state == "complete" and episode.edits_heard == episode.edits
    assert ending.public != trial.grounds.undisturbed.public


@pytest.fixture(scope="module")
def peace(grounds: Grounds, tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """How it ends when the edit is made and nobody dies."""
    folder = tmp_path_factory.mktemp("peace")
    with CrashTrial(grounds, folder, {}) as trial:
        trial.survives()
        trial.survives("edit")
    with trial.house() as house:
        return ending_of(house)


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_an_edit_is_made_the_end_is_the_same(begin: Begin, peace: Ending, point: str) -> None:
    trial = begin()
    trial.survives()
    trial.dies(point, "edit")
    with trial.house() as house:
        _, halfway = house.episode_of("one")
    assert halfway.state == "complete" and halfway.edits.cuts  # it plays on, and the edit is not lost
    assert halfway.edits_heard != halfway.edits
    trial.survives("edit")
    assert said(trial, peace) == []
