"""A show's music: taken where it is fit, kept by its bytes, and brought to every episode."""

from pathlib import Path

import pytest
from fakes_house import a_house
from fakes_rooms import a_room

from bench.sounds import silence, tone, wav
from feeds.catalogue import KeptFile, ShowAudio, add_show, edit_show, find_show
from pipeline.edits import Edits
from pipeline.errors import Refused
from pipeline.plan import FilterPlan, Plan
from workers.database import Database
from workers.house import House
from workers.job import plan_for
from workers.show_music import brought, kept


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    with database.begin() as session:
        add_show(session, "wednesday", "https://pods.example")
    return a_house(database, tmp_path)


def taken(house: House, **files: Path) -> ShowAudio:
    """How the show sounds once it has those pieces."""
    pieces = kept(house, "wednesday", files)
    with house.database.begin() as session:
        edit_show(session, "wednesday", audio=pieces)
    with house.database.read() as session:
        show = find_show(session, "wednesday")
    assert show
    return show.audio


def test_pieces_lie_in_the_private_store_alone_and_come_back_as_they_were(house: House, tmp_path: Path) -> None:
    path = wav(tmp_path / "My Jingle é.wav", tone(2, -20))
    audio = taken(house, intro=path, bed=path)
    assert audio.intro and audio.intro.path == "My Jingle é.wav"
    assert audio.intro.key.startswith("wednesday/_music/") and audio.intro.key.endswith(".wav")
    assert list(house.private.keys("")) == [audio.intro.key] and not list(house.public.keys(""))
    plan = brought(house.private, audio, tmp_path / "here")
    assert plan.intro and plan.bed and plan.outro is None
    assert plan.intro.path.read_bytes() == path.read_bytes()


def test_another_piece_leaves_the_one_that_is_being_played(house: House, tmp_path: Path) -> None:
    before = taken(house, intro=wav(tmp_path / "a.wav", tone(2, -20)))
    after = taken(house, intro=wav(tmp_path / "a.wav", tone(2, -20, 500)))
    assert before.intro and after.intro and before.intro.key != after.intro.key
    assert house.private.stat(before.intro.key)


def test_a_piece_can_be_taken_away_again(house: House, tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", tone(2, -20))
    taken(house, intro=path, outro=path)
    with house.database.begin() as session:
        left = edit_show(session, "wednesday", audio={"intro": None}).audio
    assert left.intro is None and left.outro


@pytest.mark.parametrize(
    ("name", "why"),
    [("long.wav", r"long\.wav cannot be the outro: it is longer than 1 minute"), ("page.mp3", "cannot be the outro: .* is a web"),
     ("silent.wav", "nothing can be heard"), ("gone.wav", r"there is no file gone\.wav")],
)  # fmt: skip
def test_what_is_not_fit_is_refused_in_one_line_and_nothing_is_kept(house: House, tmp_path: Path, name: str, why: str) -> None:
    wav(tmp_path / "long.wav", tone(61, -20))
    wav(tmp_path / "silent.wav", silence(2))
    (tmp_path / "page.mp3").write_text("<html><body>not found</body></html>")
    good = wav(tmp_path / "good.wav", tone(2, -20))
    with pytest.raises(Refused, match=why) as refused:
        kept(house, "wednesday", {"intro": good, "outro": tmp_path / name})
    assert "\n" not in str(refused.value) and not list(house.private.keys(""))


def test_a_show_that_is_not_there_takes_nothing(house: House, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no show thursday"):
        kept(house, "thursday", {"intro": wav(tmp_path / "a.wav", tone(2, -20))})


@pytest.mark.parametrize("fate", ["gone", "another"])
def test_a_piece_that_is_not_what_was_kept_is_as_good_as_gone(house: House, tmp_path: Path, fate: str) -> None:
    audio = taken(house, intro=wav(tmp_path / "a.wav", tone(2, -20)))
    assert isinstance(audio.intro, KeptFile)
    house.private.delete(audio.intro.key)
    if fate == "another":
        house.private.put(audio.intro.key, b"something else", mime_type="audio/wav", cache_control="private")
    plan = brought(house.private, audio, tmp_path / "here")
    assert plan.intro and not plan.intro.path.exists() and plan.intro.sha256 == audio.intro.sha256


def test_a_show_that_wants_its_level_alone_gets_no_more() -> None:
    audio = ShowAudio(level="original", denoise=True, shorten_pauses=True)
    plan = plan_for(Plan(), a_room(), audio, Edits())
    assert plan.filters == FilterPlan(untouched=True)
    assert (plan.clean.trim, plan.clean.shorten_pauses) == (False, False)
