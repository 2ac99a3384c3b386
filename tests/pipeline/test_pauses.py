import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pauses import pauses, shortened
from pipeline.plan import CleanPlan

PLAN = CleanPlan(long_pause_s=2.0, pause_s=0.8)
VOICE, HUSH = -20.0, -70.0


def room(*parts: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Powers of frames, so many of each level, and where there is a voice in them."""
    levels = np.concatenate([np.full(frames, level) for frames, level in parts])
    return 10 ** ((levels + 0.691) / 10), levels == VOICE


def gone(*parts: tuple[int, float], plan: CleanPlan = PLAN) -> list[tuple[int, int]]:
    return list(shortened(*room((30, VOICE), *parts, (30, VOICE)), plan))


def test_of_a_long_pause_its_middle_goes():
    assert gone((60, HUSH)) == [(34, 86)]


def test_a_pause_that_is_not_too_long_stays():
    assert gone((20, HUSH)) == [] and len(gone((21, HUSH))) == 1


def test_what_goes_is_the_quietest_part():
    assert gone((52, HUSH), (8, HUSH + 9)) == [(32, 84)]
    assert gone((8, HUSH + 9), (52, HUSH)) == [(36, 88)]


@pytest.mark.parametrize("level", [VOICE - 1, -35.0, -55.0], ids=["a voice", "music", "a whisper"])
def test_what_can_be_heard_is_no_pause(level):
    assert gone((15, HUSH), (30, level), (15, HUSH)) == []
    assert gone((15, HUSH), (1, level), (44, HUSH)) == [(50, 86)]


def test_a_room_that_is_never_quiet_pauses_all_the_same():
    assert len(gone((60, -38.0))) == 1


def test_before_the_first_word_and_after_the_last_nothing_is_shortened():
    powers, voice = room((50, HUSH), (30, VOICE), (50, HUSH))
    assert list(shortened(powers, voice, PLAN)) == []
    assert list(pauses(powers, np.zeros_like(voice))) == []


@pytest.mark.parametrize(("long_pause_s", "pause_s"), [(2.0, 0.0), (0.0, 0.0), (0.5, 3.0), (2.0, 0.85), (1.0, 1.0)])
def test_plans_of_any_kind_leave_what_they_say_of_a_pause(long_pause_s, pause_s):
    plan = CleanPlan(long_pause_s=long_pause_s, pause_s=pause_s)
    ((first, end),) = gone((60, HUSH), plan=plan)
    assert first > 30 and end < 90
    assert 60 - (end - first) == pytest.approx(max(pause_s, 0.2) * 10, abs=0.999)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.sampled_from((VOICE, -30.0, -45.0, -66.0, HUSH, -120.0))), min_size=1, max_size=12)
)
def test_never_goes_a_frame_that_is_worth_hearing(parts):
    powers, voice = room(*parts)
    for first, end in shortened(powers, voice, PLAN):
        assert 0 < first < end < len(powers)
        assert not voice[first - 1 : end + 1].any()
