"""Pictures of a room's topics: what can be had is kept once, what cannot is told, and nothing of it stops the room."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fakes_children import Here, recording
from fakes_feeds import an_episode
from PIL import Image

from feeds.pictures import kept_key, read_pictures, with_pictures
from pipeline.errors import Hindered
from pipeline.models import Chapter, RoomEvent
from pipeline.stores import Store, open_store
from pipeline.workshop import Workshop
from workers import fetch
from workers.job import Job
from workers.pictures import MOST, pictured, pictures_here
from workers.settings import Settings

MakeJob = Callable[..., Job]


@pytest.fixture
def private(tmp_path: Path) -> Store:
    return open_store((tmp_path / "private").as_uri())


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "room"
    folder.mkdir()
    for name, colour in (("red.png", "red"), ("again.png", "red"), ("blue.png", "blue")):
        Image.new("RGB", (80, 80), colour).save(folder / name)
    return folder


@pytest.fixture
def job(tmp_path: Path, room: Path, private: Store) -> MakeJob:
    """What a job brings that has pictures to see to: a recording with those, an episode with those chapters."""

    def made(*images: str, chapters: tuple[Chapter, ...] = ()) -> Job:
        events = [RoomEvent(t_s=20.0 * n, type="topic_pinned", title=f"Topic {n}", image=i) for n, i in enumerate(images)]
        shop = Workshop(scratch=tmp_path / "scratch", children=Here(), slices=cast(Any, None), follow=lambda _stage, _share: None)
        return cast(
            Job,
            SimpleNamespace(
                recording=recording(events=tuple(events)), root=room.as_uri(), shop=shop,
                episode=replace(an_episode(), chapters=chapters),
                house=SimpleNamespace(private=private, settings=Settings()), heart=SimpleNamespace(must_hold=lambda: None),
            ),
        )  # fmt: skip

    return made


def test_events_name_what_is_kept_and_the_same_picture_is_kept_once(job: MakeJob, private: Store, tmp_path: Path) -> None:
    at_work = job("red.png", "blue.png", "", "again.png")
    found, losses = pictured(at_work)
    red, blue, none, again = (event.image for event in found.events)
    assert losses == () and none == "" and red == again != blue
    assert sorted(private.keys("")) == sorted(kept_key(at_work.episode, image) for image in (red, blue))
    chapters = tuple(Chapter(start_s=n, end_s=n + 1, title="T", source="pinned", image=i) for n, i in enumerate((red, blue)))
    seen = replace(at_work.episode, chapters=chapters)
    here = pictures_here(private, seen, tmp_path / "here")
    assert {one.sha256 for one in here} == set(read_pictures(private, seen)) == {red, blue}
    assert [chapter.image for chapter in with_pictures(seen, {blue: b""}).chapters] == ["", blue]


def test_what_cannot_be_had_is_told_and_the_others_are_there(job: MakeJob, room: Path) -> None:
    (room / "text.jpg").write_text("no picture")
    found, losses = pictured(job("none.jpg", "text.jpg", "blue.png"))
    assert [bool(event.image) for event in found.events] == [False, False, True]
    assert [(loss.at_s, loss.lost_s) for loss in losses] == [(0.0, 0.0), (20.0, 0.0)]
    assert losses[0].why.startswith("the picture of “Topic 0” is left out: none.jpg is not there")


def test_a_picture_that_was_there_is_not_missed_because_it_has_gone_since(job: MakeJob, room: Path) -> None:
    found, _ = pictured(job("red.png"))
    before = (Chapter(start_s=0, end_s=9, title="Topic 0", source="pinned", image=found.events[0].image),)
    (room / "red.png").unlink()
    again, _ = pictured(job("red.png", chapters=before))
    assert again.events == found.events


def test_no_more_than_fifty_are_looked_at(job: MakeJob, room: Path) -> None:
    names = [f"{n}.png" for n in range(MOST + 3)]
    for name in names:
        (room / name).write_bytes((room / "red.png").read_bytes())
    found, losses = pictured(job(*names))
    assert [bool(event.image) for event in found.events] == [True] * MOST + [False] * 3
    assert [loss.at_s for loss in losses] == [20.0 * MOST] and "50 at most" in losses[0].why


def test_a_full_disk_is_waited_for_and_takes_no_picture_away(job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise Hindered("no room", code="disk_full")

    monkeypatch.setattr(fetch, "_brought", full)
    with pytest.raises(Hindered):
        pictured(job("red.png"))


def test_a_room_without_pictures_is_as_it_was(job: MakeJob) -> None:
    plain = job("", "")
    assert pictured(plain) == (plain.recording, ())
