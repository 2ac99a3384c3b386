"""A show's music and its single voices on the whole road: from what was given to what listeners and creators get."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes_feeds import said

from bench.sounds import tone, wav
from feeds.catalogue import Episode, add_show, edit_show, episodes
from feeds.change import SoundChange
from pipeline import story
from pipeline.models import Transcript
from pipeline.music import LAP_S
from workers import jobs
from workers.changing import change
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.job import Job, in_scratch
from workers.rooms import gather
from workers.sections import AudioSettings, SpeechSettings
from workers.settings import Settings
from workers.show_music import kept
from workers.wiring import open_house
from workers.work_loop import Outcome, drain

SITE = "https://pods.example"
INTRO_S, OUTRO_S = 6.0, 3.0
WORDS = Transcript(
    engine="test", model="test", quality="full", language="en", segments=(said("laura", 2.0, "one two three four", word_s=0.5),)
)


@pytest.fixture(scope="module")
def house(room: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a show that has an intro, an outro and wants its voices, and with one room for it."""
    folder = tmp_path_factory.mktemp("musical")
    audio = AudioSettings(formats=("mp3",), originals_days=0)
    settings = Settings(data_dir=folder / "data", public_url=SITE, speech=SpeechSettings(engine="none"), audio=audio)
    with open_house(settings) as opened:
        with opened.database.begin() as session:
            add_show(session, "tuesday", SITE)
        files = {part: wav(folder / f"{part}.wav", tone(s, -20)) for part, s in {"intro": INTRO_S, "outro": OUTRO_S}.items()}
        pieces = kept(opened, "tuesday", files)
        gathered, rules = gather([room]), IntakeRules(default_show="tuesday", public_url=SITE)
        with opened.database.begin() as session:
            edit_show(session, "tuesday", audio={**pieces, "voices": True})
            recording = replace(gathered.recording, show="tuesday")
            accept(session, recording, gathered.root, provider="test", event_id="EV_1", defaults=rules)
        yield opened


def worked(house: House) -> Episode:
    """The episode once nothing is left to do; its words are known."""

    def words(job: Job) -> Outcome:
        timeline, _ = story.hear(job.recording, job.fetched(), job.scored(), job.shop)
        return jobs.complete(job, WORDS, story.chapters(job.recording, timeline, job.plan, WORDS))

    bodies = {**jobs.bodies(house), "words": in_scratch(house, words)}
    drain(house.database, bodies, "REC_short", watch=lambda *_: None, retries=False)
    with house.database.read() as session:
        return episodes(session)[0]


@pytest.fixture(scope="module")
def episode(house: House) -> Episode:
    return worked(house)


def public(house: House, episode: Episode, name: str) -> str:
    return (house.public.get(episode.prefix + name) or b"").decode()


def voices(house: House, episode: Episode) -> list[str]:
    return [key.removeprefix(episode.prefix) for key in house.private.keys(f"{episode.prefix}voices/")]


def test_everything_that_is_told_is_told_on_the_clock_that_plays(house: House, episode: Episode) -> None:
    assert episode.state == "complete" and episode.sound
    assert (episode.sound.intro_s, episode.sound.outro_s) == (INTRO_S - LAP_S, OUTRO_S - LAP_S)
    cut_s = sum(cut.end_s - cut.start_s for cut in episode.sound.cuts)
    assert episode.sound.duration_s == pytest.approx(episode.sound.source_s - cut_s + INTRO_S + OUTRO_S - 2 * LAP_S, abs=0.002)
    first = re.search(r"^00:00:(\d\d\.\d{3}) -->", public(house, episode, "transcript.vtt"), re.MULTILINE)
    assert first and float(first[1]) == pytest.approx(2.0 + INTRO_S - LAP_S, abs=episode.sound.cuts[0].end_s if cut_s else 0.01)
    assert episode.renditions[0].integrated_lufs == pytest.approx(-19.0, abs=0.3)


def test_voices_lie_in_private_alone_and_whoever_is_muted_later_has_none(house: House, episode: Episode) -> None:
    assert voices(house, episode)[0] == "voices/01-laura-lindqvist.flac" and len(voices(house, episode)) >= 2
    assert not [key for key in house.public.keys("") if "voices/" in key or "_music" in key]
    stored = house.private.get(f"{episode.prefix}voices/01-laura-lindqvist.flac")
    assert stored and stored.startswith(b"fLaC")

    with house.database.begin() as session:
        change(session, "REC_short", SoundChange(mute=["laura"]))
    edited = worked(house)
    assert edited.sound and edited.sound.intro_s == INTRO_S - LAP_S
    assert voices(house, edited) and "voices/01-laura-lindqvist.flac" not in voices(house, edited)
    with house.database.begin() as session:
        edit_show(session, "tuesday", audio={"voices": False})
        change(session, "REC_short", SoundChange(unmute=["laura"]))
    assert voices(house, worked(house)) == []


def test_the_command_gives_a_show_its_music_and_takes_it_away(aircheck: Any) -> None:
    here = aircheck.folder
    aircheck("show", "add", "thursday", "--voices")
    wav(here / "jingle.wav", tone(2, -20))
    wav(here / "long.wav", tone(61, -20))
    assert "intro" in aircheck("show", "edit", "thursday", "--intro", "jingle.wav", "--bed", "jingle.wav").out
    refused = aircheck("show", "edit", "thursday", "--outro", "long.wav", status=3)
    assert refused.err.count("\n") == 1 and "long.wav cannot be the outro: it is longer than 1 minute" in refused.err
    aircheck("show", "edit", "thursday", "--no-bed")
    [show] = [one for one in aircheck("show", "list", "--json").data["shows"] if one["slug"] == "thursday"]
    assert show["audio"]["voices"] is True and show["audio"]["bed"] is None and show["audio"]["outro"] is None
    assert show["audio"]["intro"]["path"] == "jingle.wav"
