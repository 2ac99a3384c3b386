"""A recording that was fetched from elsewhere is kept as it came, made use of, and deleted when its days are over."""

from collections.abc import Callable
from pathlib import Path

import pytest
from claiming import Send, claimed, finished
from fakes_house import a_house
from sqlalchemy import update

from feeds.catalogue import Episode, EpisodeRow, edit_show, find_episode
from pipeline.errors import Broken
from pipeline.models import Fetched, MadeFile, SourceFile
from pipeline.stores import Store, open_store
from workers import originals, scratch
from workers.database import Database
from workers.errands import errands_of
from workers.heart import Heart
from workers.house import House
from workers.job import Job, in_scratch
from workers.ledger import JobRow, NextJob
from workers.work_loop import Outcome

pytest_plugins = ["fakes_s3"]

SOUND = (b"one voice", b"another voice")
Words = Callable[[], tuple[Fetched, ...]]


@pytest.fixture
def far(s3_bucket: str, s3_service: str) -> Store:
    """A bucket in which a platform has left two tracks."""
    store = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    for n, content in enumerate(SOUND):
        store.put(f"rec/{n}.ogg", content, mime_type="audio/ogg", cache_control="")
    return store


@pytest.fixture
def house(database: Database, tmp_path: Path, s3_service: str, s3_bucket: str, far: Store, send: Send) -> House:
    """A house that has taken in that room."""
    files = tuple(SourceFile(path=f"s3://{s3_bucket}/rec/{n}.ogg", kind="track", participant=f"p{n}") for n in range(2))
    send(files=files)
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    return a_house(database, tmp_path, limits={"free_bytes": 1}, store={"endpoint_url": s3_service})


@pytest.fixture
def words(house: House) -> Words:
    """Does what a job of words does first, on a host whose scratch is empty; what it was given to read."""

    def done() -> tuple[Fetched, ...]:
        found: list[Fetched] = []

        def body(job: Job) -> Outcome:
            found.extend(job.fetched())
            originals.keep(job, found)
            assert [one.file.path.read_bytes() for one in found] == [*SOUND]
            job.clear()
            return Outcome()

        with house.database.begin() as session:
            session.execute(update(JobRow).where(JobRow.kind == "words").values(state="ready", next_at=0.0, tries=0))
        claim = claimed(house.database, "words")
        in_scratch(house, body)(claim, Heart())
        finished(house.database, claim)
        for folder in scratch.folders(house.scratch):
            scratch.remove(folder)
        return tuple(found)

    return done


def episode_in(house: House) -> Episode:
    with house.database.read() as session:
        found = find_episode(session, "EG_1")
    assert found
    return found


def days_go_by(house: House, days: float) -> int:
    """How many recordings were deleted then."""
    kept = episode_in(house).original
    assert kept
    with house.database.begin() as session:
        row = session.get_one(EpisodeRow, episode_in(house).guid)
        row.original = {**(row.original or {}), "kept_at": kept.kept_at - days * 86400}
    forgetting = next(errand for errand in errands_of(house) if errand.name == "forget_originals")
    return int(str(forgetting.run()))


def test_it_is_kept_byte_for_byte_and_read_from_there_when_it_is_gone_elsewhere(house: House, far: Store, words: Words) -> None:
    words()
    kept = episode_in(house).original
    assert kept and [house.private.get(file.key) for file in kept.files] == [*SOUND]
    assert far.get("rec/0.ogg") == SOUND[0]
    for key in list(far.keys("rec/")):
        far.delete(key)
    again = words()
    assert [one.source.participant for one in again] == ["p0", "p1"]
    assert episode_in(house).original == kept


def test_it_is_deleted_when_its_days_are_over_and_that_stays_written_down(house: House, far: Store, words: Words) -> None:
    words()
    assert days_go_by(house, 29) == 0
    assert days_go_by(house, 2) == 1
    kept = episode_in(house).original
    assert kept and kept.gone_at and len(kept.files) == 2
    assert list(house.private.keys(episode_in(house).prefix)) == []
    assert far.get("rec/0.ogg") == SOUND[0]  # what is the platform's stays
    words()  # from there, and it is not kept once more
    assert episode_in(house).original == kept
    assert days_go_by(house, 400) == 0


def test_a_show_may_keep_its_recordings_longer_or_not_at_all(house: House, words: Words) -> None:
    def keeps(days: int) -> None:
        with house.database.begin() as session:
            edit_show(session, "tuesday", audio={"originals_days": days})

    keeps(0)
    words()
    assert episode_in(house).original is None
    keeps(90)
    words()
    assert days_go_by(house, 80) == 0
    assert days_go_by(house, 11) == 1


def test_what_was_kept_and_is_damaged_is_not_taken_for_the_recording(house: House, words: Words) -> None:
    words()
    kept = episode_in(house).original
    assert kept
    house.private.put(kept.files[0].key, b"one noise", mime_type="application/octet-stream", cache_control="private")
    with pytest.raises(Broken, match="is damaged"):
        words()


def test_what_lies_on_this_machine_is_the_platforms(database: Database, tmp_path: Path, send: Send) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "mix.ogg").write_bytes(b"sound")
    send(files=(SourceFile(path=(room / "mix.ogg").as_uri()),))
    house = a_house(database, tmp_path, limits={"free_bytes": 1})

    def body(job: Job) -> Outcome:
        source = job.recording.files[0]
        originals.keep(job, (Fetched(source=source, file=MadeFile.of(room / "mix.ogg")),))
        return Outcome()

    in_scratch(house, body)(claimed(database), Heart())
    assert episode_in(house).original is None
    assert list(house.private.keys("")) == []
