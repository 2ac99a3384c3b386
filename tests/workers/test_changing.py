"""An edit is kept with the jobs that make it heard, or not at all; on both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from claiming import Send, claimed, failed, finished, job, perhaps_claimed
from fakes_feeds import a_sound
from sqlalchemy import update

from feeds.catalogue import Episode, EpisodeRow, episodes, find_episode, json_of
from feeds.change import SoundChange
from pipeline.edits import Mute, Stretch
from pipeline.errors import Broken, Refused
from workers import ledger
from workers.changing import Changed, change, change_show
from workers.database import Database
from workers.ledger import MAX_TRIES, Bell, NextJob

Edit = Callable[..., Changed]


@pytest.fixture
def edit(database: Database) -> Edit:
    """Changes the episode of EG_1."""

    def changed(*, title: str | None = None, description: str | None = None, **sound: Any) -> Changed:
        with database.begin() as session:
            return change(session, "EG_1", SoundChange(**sound), title=title, description=description)

    return changed


@pytest.fixture
def complete(database: Database, send: Send) -> None:
    """A room whose jobs are done."""
    send()
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    finished(database, claimed(database, "words"))
    with database.begin() as session:
        session.execute(update(EpisodeRow).values(state="complete", sound=json_of(a_sound())))


def episode_in(database: Database) -> Episode:
    with database.read() as session:
        found = find_episode(session, "EG_1")
    assert found
    return found


@pytest.mark.usefixtures("complete")
def test_a_cut_is_kept_and_its_sound_asked_for(database: Database, edit: Edit) -> None:
    changed = edit(cut=["1:00-1:30"])
    assert (changed.what, changed.bells) == (("sound",), (Bell(queue="audio"),))
    found = episode_in(database)
    assert found.edits.cuts == (Stretch(start_s=60.0, end_s=90.0),)
    assert (found.state, found.edits_heard.cuts) == ("complete", ())
    assert job(database).state == "ready"


@pytest.mark.usefixtures("complete")
def test_a_title_reaches_the_feed_at_once_and_the_files_after_it(database: Database, edit: Edit) -> None:
    changed = edit(title="  Another\n title ", description="More\n\nof it")
    assert {bell.queue for bell in changed.bells} == {"audio", "publish"}
    found = episode_in(database)
    assert (found.title, found.description) == ("Another title", "More\n\nof it")
    edit(title="")
    assert episode_in(database).title == "Tuesday room, 20 November 2026"


@pytest.mark.usefixtures("complete")
def test_what_changes_nothing_asks_for_nothing(database: Database, edit: Edit) -> None:
    edit(mute=["u1"], title="Another")
    before = job(database).wanted_rev
    for again in ({"mute": ["u1"]}, {"title": "Another"}, {}):
        assert edit(**again).what == ()
    assert job(database).wanted_rev == before


@pytest.mark.usefixtures("complete")
def test_a_refused_change_leaves_everything_as_it_was(database: Database, edit: Edit) -> None:
    with pytest.raises(Refused):
        edit(title="Another", mute=["nobody"])
    assert episode_in(database).title != "Another"
    assert job(database).state == "done"


@pytest.mark.usefixtures("complete")
def test_a_reset_is_all_that_the_machine_made(database: Database, edit: Edit) -> None:
    before = episode_in(database)
    edit(title="Another", cut=["1:00-1:30"], mute=["u1"])
    assert set(edit(reset=True).what) == {"title", "sound"}
    assert episode_in(database) == before


@pytest.mark.usefixtures("complete")
def test_edits_survive_whatever_the_machine_does_again(database: Database, edit: Edit) -> None:
    edit(cut=["1:00-1:30"], mute=["u1"], title="Mine")
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    finished(database, claimed(database, "words"))
    with database.begin() as session:
        ledger.make_again(session, "EG_1")
    sound = claimed(database)
    for _ in range(MAX_TRIES):
        failed(database, sound, Broken("no luck"))
        with database.begin() as session:
            session.execute(update(ledger.JobRow).values(next_at=0.0))
        sound = perhaps_claimed(database) or sound
    with database.begin() as session:
        ledger.retry(session, "EG_1")
    found = episode_in(database)
    assert (found.title, found.edits.mutes, len(found.edits.cuts)) == ("Mine", (Mute(participant="u1"),), 1)


@pytest.mark.usefixtures("complete")
def test_a_change_that_cannot_be_made_is_told_and_the_episode_plays_on(database: Database, edit: Edit) -> None:
    edit(cut=["1:00-1:30"])
    failed(database, claimed(database), Refused("nothing is left of it", code="silent"))
    found = episode_in(database)
    assert found.state == "complete"
    assert "change" in found.reason and "nothing is left of it" in found.reason and "plays as before" in found.reason
    edit(reset=True)
    finished(database, claimed(database))
    assert episode_in(database).reason == ""


@pytest.mark.usefixtures("complete")
def test_two_who_edit_at_once_both_leave_their_edit(database: Database) -> None:
    start = threading.Barrier(4)

    def cut(n: int) -> None:
        start.wait()
        sound = SoundChange(cut=[f"{n}:00-{n}:30"])
        database.patiently(lambda session: change(session, "EG_1", sound))

    threads = [threading.Thread(target=cut, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.start_s for one in episode_in(database).edits.cuts] == [60.0, 120.0, 180.0, 240.0]


def test_a_title_of_a_room_that_is_being_made_joins_it(database: Database, send: Send, edit: Edit) -> None:
    send()
    sound = claimed(database)
    edit(title="While it is made")
    finished(database, sound)
    assert claimed(database).subject == "EG_1"


def test_what_could_not_be_made_is_not_begun_again_by_a_title(database: Database, send: Send, edit: Edit) -> None:
    send()
    failed(database, claimed(database), Refused("there is no audio in it", code="no_audio"))
    edit(title="Another")
    assert job(database).state == "failed"
    with database.read() as session:
        assert [episode.title for episode in episodes(session)] == ["Another"]


def test_an_episode_that_is_not_there_is_refused(edit: Edit) -> None:
    with pytest.raises(Refused, match="there is no episode EG_1"):
        edit(title="Another")


# ---- a show


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(("quality", "asked"), [("draft", 1), ("full", 0), ("none", 0)])
def test_other_rules_for_drafts_ask_for_the_files_of_drafts_alone(database: Database, quality: str, asked: int) -> None:
    words = {"engine": "pocketsphinx", "model": "", "quality": quality, "language": "en", "why": "", "count": 9}
    with database.begin() as session:
        session.execute(update(EpisodeRow).values(words=words))
        slug = episodes(session)[0].show_slug
    for drafts, expected in [("private", 0), ("public", asked), ("public", 0), ("private", asked)]:
        with database.begin() as session:
            changed = change_show(session, slug, drafts=drafts, title=f"Drafts are {drafts}")
        assert [bell.queue for bell in changed.bells] == ["publish"]
        assert [one.episode.recording_id for one in changed.episodes] == ["EG_1"] * expected
        if expected:
            assert job(database).state == "ready"
            finished(database, claimed(database))


def test_words_on_their_way_are_written_under_the_new_rules(database: Database, send: Send) -> None:
    send()
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    with database.begin() as session:
        session.execute(update(EpisodeRow).values(state="audible", sound=json_of(a_sound())))
    at_words = claimed(database, "words")
    with database.begin() as session:
        change_show(session, episodes(session)[0].show_slug, drafts="public")
    assert (job(database, "words").state, job(database, "audio").state) == ("ready", "ready")
    assert job(database, "words").fence > at_words.fence
