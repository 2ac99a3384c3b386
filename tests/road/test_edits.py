"""A creator edits an episode: the sound follows, words and addresses stay, and everything can be taken back."""

import contextlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rooms_of_ours
from fakes_feeds import said

from feeds.catalogue import Episode, add_show, edit_show, episodes
from feeds.change import SoundChange
from pipeline import story
from pipeline.models import Transcript
from workers import jobs
from workers.changing import change
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.job import Job, in_scratch
from workers.ledger import Claim
from workers.rooms import gather
from workers.sections import AudioSettings, SpeechSettings
from workers.settings import Settings
from workers.wiring import open_house
from workers.work_loop import Outcome, Perform, drain

WORDS = Transcript(
    engine="test", model="test", quality="full", language="en",
    segments=(
        said("laura", 2.0, "one two three four", word_s=0.5), said("daniel", 11.0, "this is cut"),
        said("daniel", 21.0, "this is muted"), said("gordon", 30.0, "and the end"),
    ),
)  # fmt: skip

SITE = "https://pods.example"


class Workers:
    """Real jobs but for the recogniser; they count what was heard and how often."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.transcribed = 0
        self.stages: list[str] = []

    def work(self) -> Episode:
        """The episode once nothing is left to do."""
        self.stages.clear()
        bodies: Mapping[str, Perform] = {**jobs.bodies(self.house), "words": in_scratch(self.house, self._words)}
        drain(self.house.database, bodies, "REC_short", watch=self._watch, retries=False)
        return self.episode()

    def episode(self) -> Episode:
        with self.house.database.read() as session:
            return episodes(session)[0]

    def edits(self, **changes: Any) -> Episode:
        """The episode after that change."""
        named = {key: changes.pop(key) for key in ("title", "description") if key in changes}
        with self.house.database.begin() as session:
            change(session, "REC_short", SoundChange(**changes), **named)
        return self.work()

    def _words(self, job: Job) -> Outcome:
        self.transcribed += 1
        timeline, _ = story.hear(job.recording, job.fetched(), job.plan, job.shop)
        return jobs.complete(job, WORDS, story.chapters(job.recording, timeline, job.plan, WORDS))

    def _watch(self, claim: Claim, progress: Any) -> None:
        if progress.stage and progress.stage not in self.stages:
            self.stages.append(progress.stage)

    def heard(self) -> object:
        """When and what was last measured."""
        return self.house.private.stat(f"{self.episode().prefix}heard/heard.json")

    def public(self, name: str) -> bytes:
        content = self.house.public.get(self.episode().prefix + name)
        assert content is not None, name
        return content


@contextlib.contextmanager
def house_in(folder: Path) -> Iterator[House]:
    """A house in that folder, with one quick format."""
    settings = Settings(
        data_dir=folder, public_url=SITE, speech=SpeechSettings(engine="none"), audio=AudioSettings(formats=("mp3",))
    )  # fmt: skip
    with open_house(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def taken_in(room: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a house that has taken in one room of forty seconds."""
    folder, gathered = tmp_path_factory.mktemp("edits") / "taken-in", gather([room])
    rules = IntakeRules(default_show="tuesday", public_url=SITE)
    with house_in(folder) as house, house.database.begin() as session:
        add_show(session, "tuesday", SITE)
        recording = replace(gathered.recording, show="tuesday")
        accept(session, recording, gathered.root, provider="test", event_id="EV_1", defaults=rules)
    return folder


@pytest.fixture(scope="module")
def done(taken_in: Path) -> Path:
    """The folder of a house that has made it an episode."""
    folder = shutil.copytree(taken_in, taken_in.with_name("done"))
    with house_in(folder) as house:
        Workers(house).work()
    return folder


@pytest.fixture
def workers(done: Path, tmp_path: Path) -> Iterator[Workers]:
    """Those of a house of the test's own, in which the episode is complete."""
    with house_in(shutil.copytree(done, tmp_path / "house")) as house:
        yield Workers(house)


def sound_of(workers: Workers, folder: Path, name: str = "episode.mp3") -> Any:
    """The samples that listeners hear."""
    (folder / name).write_bytes(workers.public(name))
    rooms_of_ours.ffmpeg("-i", folder / name, "-f", "f64le", "-ac", "1", "-ar", "48000", folder / "samples")
    return np.fromfile(folder / "samples", np.float64)


def told(workers: Workers) -> str:
    return workers.public("transcript.vtt").decode()


def test_cuts_and_mutes_are_heard_and_read_and_nothing_else_changes(workers: Workers, tmp_path: Path) -> None:
    before, heard = workers.episode(), workers.heard()
    edited = workers.edits(cut=["0:10-0:15"], mute=["daniel@0:20-0:25"])

    assert edited.state == before.state == "complete"
    assert (edited.guid, edited.slug, edited.published_at) == (before.guid, before.slug, before.published_at)
    assert [r.key for r in edited.renditions] == [r.key for r in before.renditions]
    assert all(r.duration_s == pytest.approx(35.0, abs=0.1) for r in edited.renditions)
    assert len(sound_of(workers, tmp_path)) / 48000 == pytest.approx(35.0, abs=0.1)
    enclosure = re.search(rb'<enclosure[^>]* length="(\d+)"', workers.house.public.get("tuesday/feed.xml") or b"")
    assert enclosure and int(enclosure[1]) == len(workers.public("episode.mp3")) == edited.renditions[0].size_bytes
    assert workers.heard() == heard  # nothing was listened to again

    assert "this is cut" not in told(workers) and "this is muted" not in told(workers)
    assert "one two three four" in told(workers)
    assert "00:00:25.000" in told(workers)  # what was said at 30 s is heard five seconds earlier
    assert workers.transcribed == 0 and edited.words == before.words


def test_taken_back_the_episode_is_what_it_was(workers: Workers) -> None:
    names = ("episode.mp3", "transcript.vtt", "chapters.json", "index.html")
    before = {name: workers.public(name) for name in names}
    workers.edits(cut=["0:10-0:15"], mute=["laura"], title="Another")
    assert all(workers.public(name) != content for name, content in before.items() if name != "chapters.json")
    workers.edits(reset=True)
    assert {name: workers.public(name) == content for name, content in before.items()} == dict.fromkeys(names, True)


def test_a_title_touches_the_labels_and_no_sound(workers: Workers, tmp_path: Path) -> None:
    before = sound_of(workers, tmp_path)
    edited = workers.edits(title="Night trains, again")
    assert set(workers.stages) == {"stamp", "upload", "publish"}
    assert b"Night trains, again" in workers.public("episode.mp3")
    assert b"Night trains, again" in (workers.house.public.get("tuesday/feed.xml") or b"")
    assert np.array_equal(sound_of(workers, tmp_path), before)
    assert edited.renditions[0].size_bytes == len(workers.public("episode.mp3"))


def test_a_voice_that_is_muted_for_good_is_gone_from_sound_words_and_names(workers: Workers, tmp_path: Path) -> None:
    before = sound_of(workers, tmp_path)
    workers.edits(mute=["Laura Lindqvist"])
    after = sound_of(workers, tmp_path)
    assert len(after) == pytest.approx(len(before), abs=48000)
    assert "Laura" not in told(workers)
    assert b"Laura" not in workers.public("index.html")
    assert b"Laura" not in (workers.house.public.get("tuesday/feed.xml") or b"")


def test_an_edit_that_comes_while_words_are_written_goes_first(taken_in: Path, tmp_path: Path) -> None:
    class Impatient(Workers):
        """The creator edits while the words are written."""

        def _words(self, job: Job) -> Outcome:
            if not self.transcribed:
                with self.house.database.begin() as session:
                    change(session, "REC_short", SoundChange(cut=["0:10-0:15"]))
            return super()._words(job)

    with house_in(shutil.copytree(taken_in, tmp_path / "house")) as house:
        workers = Impatient(house)
        found = workers.work()
        assert (found.state, workers.transcribed) == ("complete", 2)
        assert found.renditions[0].duration_s == pytest.approx(35.0, abs=0.1)
        assert "this is cut" not in told(workers) and "one two three four" in told(workers)


def test_a_master_is_kept_in_private_for_as_long_as_it_is_wanted(workers: Workers) -> None:
    key, private = f"{workers.episode().prefix}master.flac", workers.house.private

    def keeps(wanted: bool) -> None:
        with workers.house.database.begin() as session:
            edit_show(session, "tuesday", audio={"keep_master": wanted})

    keeps(True)
    edited = workers.edits(cut=["0:10-0:15"])
    assert (private.get(key) or b"").startswith(b"fLaC")
    assert [r.format for r in edited.renditions] == ["mp3"]
    assert not [name for name in workers.house.public.keys("tuesday/") if name.endswith(".flac")]
    keeps(False)
    workers.edits(mute=["daniel"])
    assert private.get(key) is None  # in which he could still be heard


def test_the_command_edits_what_produce_has_left(aircheck: Any, room: Path) -> None:
    made = aircheck("produce", room, "--json").data
    name, here = made["episode"]["guid"], ("--out", "aircheck-out")
    said_of = aircheck("episode", "show", name, "--out", "aircheck-out").out
    assert re.search(r"^voices +Laura Lindqvist +laura +host +0:\d\d$", said_of, re.MULTILINE)
    edited = aircheck("episode", "edit", name, *here, "--cut", "0:10-0:15", "--mute", "daniel@20-25", "--json").data
    assert edited["made"] and edited["changed"] == ["sound"]
    shown = aircheck("episode", "show", name, *here, "--json").data
    assert [(one["start_s"], one["end_s"]) for one in shown["cuts"]] == [(10.0, 15.0)]
    assert shown["muted"] == [{"participant": "daniel", "start_s": 20.0, "end_s": 25.0}]
    assert shown["duration_s"] == pytest.approx(35.0, abs=0.1)
    assert "like that already" in aircheck("episode", "edit", name, *here, "--cut", "0:10-0:15").err
    refused = aircheck("episode", "edit", name, *here, "--mute", "Dan", status=3)
    assert "there is no voice 'Dan'" in refused.err and refused.out == ""
