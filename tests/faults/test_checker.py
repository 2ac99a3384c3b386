"""The checker of the ten invariants finds nothing in a sound trial, and names exactly the invariant that is broken on purpose."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_quick import quick_sound
from quick_trials import HIDDEN, HOSTILE, bodies_where_the_bad_fail, house_in, make_show, rooms, send, sha256_of, work_off
from sqlalchemy import delete, select, update

from bench.trial.checker import violations
from bench.trial.evidence import Evidence, ending_of
from bench.trial.reader import SETTLES_S, History, Reader, Seen, Violation
from feeds.catalogue import EpisodeRow, ShowRow, find_episode
from feeds.from_store import from_store
from pipeline.stores import Store
from workers.house import House
from workers.ledger import AttemptRow, InboxRow, JobRow, RecordingRow

__all__ = ["quick_sound"]
FEED = "tuesday/feed.xml"
WRITTEN = {"title": "What its creator called it"}


@pytest.fixture(scope="module")
def rested(tmp_path_factory: pytest.TempPathFactory, quick_sound: Path) -> Path:
    """A folder in which a trial has come to rest."""
    folder = tmp_path_factory.mktemp("trial")
    (folder / "house").mkdir()
    (folder / "house" / "quick").symlink_to(quick_sound)
    with house_in(folder / "house") as house:
        make_show(house)
        for room in rooms():
            send(house, room)
        bodies = bodies_where_the_bad_fail(house)
        work_off(house, bodies, ("audio", "publish"))
        with house.database.begin() as session:
            session.execute(update(EpisodeRow).where(EpisodeRow.recording_id == "good-2").values(edits=WRITTEN))
        work_off(house, bodies, ("words", "publish"))
    return folder


class Trial:
    """A copy of the trial, to be broken."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.source = folder / "source.wav"
        self.source.write_bytes(b"as it was recorded")
        self.log = folder / "log"
        self.log.write_text("nothing to hide\n")
        reader = Reader(from_store(house.public, house.site), house.site.url(FEED))
        reader.read()
        self.evidence = Evidence(
            house=house, acknowledged=[room.recording_id for room in rooms()], bad=["bad"],
            sources={self.source: sha256_of(self.source)}, seconds_in={"good-1": 2.0}, histories=[reader.history],
            hidden=HIDDEN, logs=[self.log], written={self.guid("good-2"): WRITTEN}, titles={"good-1": HOSTILE},
        )  # fmt: skip

    @property
    def public(self) -> Store:
        return self.house.public

    def guid(self, recording_id: str) -> str:
        with self.house.database.read() as session:
            found = find_episode(session, recording_id)
        assert found
        return found.guid

    def key(self, recording_id: str, name: str) -> str:
        with self.house.database.read() as session:
            found = find_episode(session, recording_id)
        assert found
        return found.prefix + name

    def set(self, table: type, **values: object) -> Callable[..., None]:
        """Change rows as nobody should: `trial.set(JobRow, tries=6)(JobRow.kind == "audio")`."""

        def where(*conditions: object) -> None:
            with self.house.database.begin() as session:
                assert session.execute(update(table).where(*conditions).values(values)).rowcount

        return where

    def rewrite(self, key: str, change: Callable[[bytes], bytes], mime_type: str = "") -> None:
        """Put changed bytes behind a public key."""
        stat, content = self.public.stat(key), self.public.get(key)
        assert stat and content is not None and (mime_type or change(content) != content)
        self.public.put(key, change(content), mime_type=mime_type or stat.mime_type, cache_control=stat.cache_control)


@pytest.fixture
def trial(rested: Path, tmp_path: Path) -> Iterator[Trial]:
    shutil.copytree(rested / "house", tmp_path / "house", symlinks=True)
    with house_in(tmp_path / "house") as house:
        yield Trial(house, tmp_path)


def test_a_sound_trial_breaks_nothing(trial: Trial) -> None:
    as_it_is = replace(trial.evidence, undisturbed=ending_of(trial.house))
    assert violations(as_it_is) == ()


# ---- how each is broken


def forget_the_event(trial: Trial) -> None:
    with trial.house.database.begin() as session:
        session.execute(delete(InboxRow).where(InboxRow.recording_id == "good-1"))


def never_end(trial: Trial) -> None:
    trial.set(JobRow, state="ready")(JobRow.subject == "good-1", JobRow.kind == "words")


def fail_without_a_reason(trial: Trial) -> None:
    trial.set(EpisodeRow, reason="")(EpisodeRow.recording_id == "bad")


def lose_an_episode(trial: Trial) -> None:
    with trial.house.database.begin() as session:
        session.execute(delete(EpisodeRow).where(EpisodeRow.recording_id == "bad"))
    trial.set(JobRow, state="done")(JobRow.subject == "bad")


def lose_private_audio(trial: Trial) -> None:
    trial.house.private.delete(trial.key("private", "episode.mp3"))


def delete_audio(trial: Trial) -> None:
    trial.public.delete(trial.key("good-1", "episode.mp3"))


def delete_an_alternative(trial: Trial) -> None:
    trial.public.delete(trial.key("good-1", "episode.opus"))


def change_a_length(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "episode.mp3"), lambda content: content + b"\0")


def change_a_type(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "episode.mp3"), lambda content: content, "application/octet-stream")


def cut_the_feed(trial: Trial) -> None:
    trial.rewrite(FEED, lambda content: content[: len(content) // 2])


def delete_the_feed(trial: Trial) -> None:
    trial.public.delete(FEED)


def drop_an_item(trial: Trial) -> None:
    def without_last(content: bytes) -> bytes:
        begins, ends = content.rindex(b"    <item>\n"), content.rindex(b"    </item>\n") + len(b"    </item>\n")
        return content[:begins] + content[ends:]

    trial.rewrite(FEED, without_last)


def use_a_guid_twice(trial: Trial) -> None:
    one, other = trial.guid("good-1").encode(), trial.guid("good-2").encode()
    trial.rewrite(FEED, lambda content: content.replace(b">" + one + b"<", b">" + other + b"<"))


def change_a_guid(trial: Trial) -> None:
    trial.set(RecordingRow, session_id="another session")(RecordingRow.id == "private")


def have_shown_another(trial: Trial) -> None:
    gone = Seen(guid="gone", url=f"{FEED}/gone.mp3", length="1", mime_type="audio/mpeg", joined=frozenset())
    trial.evidence = replace(trial.evidence, histories=[History(seen={"gone": gone})])


def overwrite_a_title(trial: Trial) -> None:
    trial.set(EpisodeRow, edits={"title": "What the machine called it"})(EpisodeRow.recording_id == "good-2")


def change_a_source(trial: Trial) -> None:
    trial.source.write_bytes(b"as it was repaired")


def delete_a_source(trial: Trial) -> None:
    trial.source.unlink()


def tell_a_private_word(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "transcript.txt"), lambda content: content + f"{HIDDEN[0]}\n".encode())


def log_a_private_word(trial: Trial) -> None:
    trial.log.write_text(f"said: {HIDDEN[1]}\n")


def publish_a_private_room(trial: Trial) -> None:
    trial.public.put(trial.key("private", "episode.mp3"), b"", mime_type="audio/mpeg", cache_control="")


def close_a_published_room(trial: Trial) -> None:
    trial.set(EpisodeRow, access="private")(EpisodeRow.recording_id == "good-2")


def put_other_bytes_of_the_same_length(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "episode.mp3"), lambda content: content[:-1] + bytes([content[-1] ^ 1]))


def commit_under_an_older_fence(trial: Trial) -> None:
    with trial.house.database.begin() as session:
        job = session.scalars(select(JobRow).where(JobRow.kind == "audio", JobRow.subject == "good-1")).one()
        session.execute(update(AttemptRow).where(AttemptRow.job_id == job.id).values(started_at=100.0, ended_at=200.0))
        session.add(AttemptRow(job_id=job.id, fence=2, owner="", started_at=150.0, ended_at=160.0, outcome="done"))
        job.fence = 2


def try_too_often(trial: Trial) -> None:
    trial.set(JobRow, tries=6)(JobRow.subject == "bad")


def leave_an_attempt_open(trial: Trial) -> None:
    trial.set(AttemptRow, outcome="", ended_at=None)(AttemptRow.job_id == 1)


def leave_a_feed_behind(trial: Trial) -> None:
    trial.set(ShowRow, feed_rev=ShowRow.feed_rev + 1)(ShowRow.slug == "tuesday")


def leave_scratch(trial: Trial) -> None:
    (trial.house.scratch / "0123456789abcdef").mkdir(parents=True)


def leave_half_an_upload(trial: Trial) -> None:
    (trial.folder / "house" / "public" / ".aircheck" / "parts" / "left").write_bytes(b"half")


def end_otherwise(trial: Trial) -> None:
    trial.evidence = replace(trial.evidence, undisturbed=ending_of(trial.house))
    trial.rewrite("tuesday/index.html", lambda content: content.replace(b"</html>", b"<!-- --></html>"))


def leave_out_a_file(trial: Trial) -> None:
    trial.evidence = replace(trial.evidence, undisturbed=ending_of(trial.house))
    trial.public.delete(trial.key("good-1", "transcript.txt"))


def lose_seconds(trial: Trial) -> None:
    with trial.house.database.begin() as session:
        row = session.scalars(select(EpisodeRow).where(EpisodeRow.recording_id == "good-2")).one()
        row.sound = {**(row.sound or {}), "source_s": 7.0}


def hear_less_than_was_said(trial: Trial) -> None:
    trial.evidence = replace(trial.evidence, seconds_in={"good-1": 3.0})


def break_a_document(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "transcript.json"), lambda content: content[:-3])


def break_subtitles(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "transcript.vtt"), lambda content: content.replace(b"WEBVTT", b"webvtt"))


def cut_a_page(trial: Trial) -> None:
    trial.rewrite(trial.key("good-1", "index.html"), lambda content: content[:-20])


def escape_a_title_twice(trial: Trial) -> None:
    trial.rewrite(FEED, lambda content: content.replace(b"A &lt;b&gt;", b"A &amp;lt;b&gt;"))


def fail_beside_a_bad_one(trial: Trial) -> None:
    trial.set(JobRow, state="failed", error="it stood in the bad one's way")(JobRow.subject == "good-1", JobRow.kind == "words")
    trial.set(EpisodeRow, reason="it stood in the bad one's way")(EpisodeRow.recording_id == "good-1")


BREAKING: dict[int, tuple[Callable[[Trial], None], ...]] = {
    1: (forget_the_event, never_end, fail_without_a_reason, lose_an_episode, lose_private_audio),
    2: (delete_audio, delete_an_alternative, change_a_length, change_a_type, cut_the_feed, delete_the_feed),
    3: (drop_an_item, use_a_guid_twice, change_a_guid, have_shown_another),
    4: (overwrite_a_title,),
    5: (change_a_source, delete_a_source),
    6: (tell_a_private_word, log_a_private_word, publish_a_private_room, close_a_published_room),
    7: (
        put_other_bytes_of_the_same_length, commit_under_an_older_fence, try_too_often, leave_an_attempt_open, leave_a_feed_behind,
        leave_scratch, leave_half_an_upload, end_otherwise, leave_out_a_file,
    ),
    8: (lose_seconds, hear_less_than_was_said),
    9: (break_a_document, break_subtitles, cut_a_page, escape_a_title_twice),
    10: (fail_beside_a_bad_one,),
}  # fmt: skip


@pytest.mark.parametrize(
    ("invariant", "break_it"), [pytest.param(n, how, id=f"{n}-{how.__name__}") for n, ways in BREAKING.items() for how in ways]
)
def test_each_way_to_break_an_invariant_is_named_for_what_it_is(
    trial: Trial, invariant: int, break_it: Callable[[Trial], None]
) -> None:
    break_it(trial)
    found = violations(trial.evidence)
    assert {violation.invariant for violation in found} == {invariant}, [str(violation) for violation in found]


def test_all_ten_are_broken_above() -> None:
    assert list(BREAKING) == list(range(1, 11))


# ---- what a reader sees while it happens


@pytest.fixture
def reader(trial: Trial) -> Reader:
    reader = Reader(from_store(trial.public, trial.house.site), trial.house.site.url(FEED))
    reader.read()
    assert reader.history.looked_at and not reader.history.violations
    return reader


def said(reader: Reader) -> set[tuple[int, str]]:
    return {(found.invariant, found.said.split()[0]) for found in reader.history.violations}


def test_a_reader_notes_an_episode_that_leaves_and_comes_back(trial: Trial, reader: Reader) -> None:
    before = trial.public.get(FEED) or b""
    drop_an_item(trial)
    reader.read()
    assert said(reader) == {(3, "episode")}
    trial.rewrite(FEED, lambda _content: before)
    reader.read()
    assert said(reader) == {(3, "episode"), (3, "the")}


def test_a_reader_does_not_miss_an_episode_that_was_withdrawn(trial: Trial, reader: Reader) -> None:
    reader.gone = lambda: [trial.guid(room.recording_id) for room in rooms()]
    drop_an_item(trial)
    reader.read()
    assert reader.history.violations == ()


def test_a_reader_notes_a_feed_that_cannot_be_read_or_is_not_there(trial: Trial, reader: Reader) -> None:
    cut_the_feed(trial)
    reader.read()
    delete_the_feed(trial)
    reader.read()
    assert [found.invariant for found in reader.history.violations] == [2, 2]


def test_a_reader_notes_a_file_that_is_not_there(trial: Trial, reader: Reader) -> None:
    delete_audio(trial)
    reader.read()
    [found] = reader.history.violations
    assert found.invariant == 2 and found.said.endswith("episode.mp3 answers 404")


def test_a_reader_grants_a_replaced_file_a_little_time(trial: Trial, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    change_a_length(trial)
    reader.read()
    assert reader.history.violations == ()
    later_s = time.monotonic() + SETTLES_S + 1
    monkeypatch.setattr("bench.trial.reader.time.monotonic", lambda: later_s)
    reader.read()
    assert [found.invariant for found in reader.history.violations] == [2]


def test_a_reader_notes_what_an_episode_loses(trial: Trial, reader: Reader) -> None:
    trial.rewrite(FEED, lambda content: b"\n".join(line for line in content.split(b"\n") if b"podcast:transcript" not in line))
    reader.read()
    assert any("podcast:transcript" in found.said for found in reader.history.violations)


def test_a_reader_notes_a_guid_that_gets_another_address(trial: Trial, reader: Reader) -> None:
    use_a_guid_twice(trial)
    reader.read()
    assert {found.invariant for found in reader.history.violations} == {3}


def test_a_reader_of_nobody_counts_what_was_not_answered(trial: Trial) -> None:
    shutil.rmtree(trial.folder / "house" / "public")
    (trial.folder / "house" / "public").symlink_to(os.devnull)
    reader = Reader(from_store(trial.public, trial.house.site), trial.house.site.url(FEED))
    reader.read()
    assert reader.history.reads + reader.history.unanswered == 1


def test_what_a_reader_saw_is_a_violation(trial: Trial) -> None:
    seen = Violation(invariant=2, said="the feed answered 500")
    trial.evidence = replace(trial.evidence, histories=[History(violations=(seen,))])
    assert violations(trial.evidence) == (seen,)
