"""A job that is done again replaces files behind addresses that the feed names: what is said of them stays true, or follows."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fakes_feeds import Diary

from feeds.catalogue import Episode, add_show, edit_show, episodes
from pipeline.stores import Stat
from workers import ledger
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.jobs import bodies
from workers.ledger import NextJob
from workers.rooms import gather
from workers.sections import SpeechSettings
from workers.settings import Settings
from workers.wiring import open_house, plan_of
from workers.work_loop import WorkLoop, silent

FEED = "tuesday/feed.xml"
PODCAST = "{https://podcastindex.org/namespace/1.0}"


class Clocked(Diary):
    """A store that knows when each key was put last."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.put_at: dict[str, float] = {}

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        stat = super().put(key, content, **about)
        self.put_at[key] = time.monotonic()
        return stat


@pytest.fixture
def house(tmp_path: Path, room: Path) -> Iterator[House]:
    """A house that has taken in one room and has no recogniser."""
    settings = Settings(data_dir=tmp_path, public_url="https://pods.example", speech=SpeechSettings(engine="none"))
    rules = IntakeRules(default_show="tuesday", public_url="https://pods.example")
    gathered = gather([room])
    with open_house(settings) as opened:
        with opened.database.begin() as session:
            add_show(session, "tuesday", "https://pods.example")
            recording = replace(gathered.recording, show="tuesday")
            accept(session, recording, gathered.root, provider="test", event_id="EV_1", defaults=rules)
        yield replace(opened, public=Clocked(opened.public))


def do(house: House, kind: str) -> Episode:
    """Do the job of that kind, and then the feed; the episode as it is now."""
    loop = WorkLoop(house.database, bodies(house), ring=silent)
    assert loop.work_one(kind)
    while not loop.work_one("publish"):
        time.sleep(0.05)
    with house.database.read() as session:
        return episodes(session)[0]


def item_of(house: House) -> ElementTree.Element:
    item = ElementTree.fromstring(house.public.get(FEED) or b"").find("channel/item")
    assert item is not None
    return item


def enclosure_bytes(house: House) -> int:
    enclosure = item_of(house).find("enclosure")
    assert enclosure is not None
    return int(enclosure.attrib["length"])


def alternates(house: House) -> dict[str, int]:
    """What the feed says of the other forms: bytes by address."""
    found = item_of(house).findall(f"{PODCAST}alternateEnclosure")
    return {one.find(f"{PODCAST}source").attrib["uri"]: int(one.attrib["length"]) for one in found}  # type: ignore[union-attr]


def stored(house: House, episode: Episode) -> dict[str, int]:
    stats = {house.address(r.key): house.public.stat(r.key) for r in episode.renditions}
    return {address: stat.size_bytes for address, stat in stats.items() if stat}


def renamed_and_asked_for_words_again(house: House, recording_id: str) -> None:
    """Every tag of every file will be another."""
    with house.database.begin() as session:
        edit_show(session, "tuesday", title="Tuesday, by night " * 10)
        ledger.arm(session, NextJob(kind="words"), show_id=None, recording_id=recording_id)


@pytest.mark.slow
def test_the_enclosure_keeps_its_length_through_every_job_and_other_forms_come_when_all_is_there(house: House, model: Path) -> None:
    audible = do(house, "audio")
    length = enclosure_bytes(house)
    assert audible.state == "audible" and alternates(house) == {}
    complete = do(house, "words")
    assert complete.state == "complete" and alternates(house) == stored(house, complete) and len(alternates(house)) == 3
    renamed_and_asked_for_words_again(house, complete.recording_id)
    heard = replace(house, plan=plan_of(house.settings.model_copy(update={"speech": SpeechSettings(model=str(model))})))
    told = do(heard, "words")
    assert told.words and told.words.count
    assert all(now.sha256 != before.sha256 for now, before in zip(told.renditions, complete.renditions, strict=True))
    assert enclosure_bytes(house) == length == told.renditions[0].size_bytes
    assert alternates(house) == stored(house, told)
    put_at = house.public.put_at  # type: ignore[attr-defined]
    assert put_at[FEED] == max(put_at.values())
