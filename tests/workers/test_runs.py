"""Runs as people see and steer them, on both databases."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import update

from feeds.catalogue import EpisodeRow, find_episode
from pipeline.errors import Refused
from workers import ledger
from workers.database import Database
from workers.intake import Accepted
from workers.ledger import Bell, Claim, NextJob, Run
from workers.ledger.runs import state_of

Send = Callable[..., Accepted]


def look(database: Database, run_id: str = "EG_1") -> Run:
    with database.read() as session:
        found = ledger.run(session, run_id)
    assert found
    return found


def claimed(database: Database, queue: str = "audio") -> Claim:
    with database.begin() as session:
        claim = ledger.claim(session, queue, "somebody")
    assert claim
    return claim


def refuse(database: Database, claim: Claim, why: str = "there is no audio in it") -> None:
    with database.begin() as session:
        ledger.fail(session, claim, Refused(why, code="no_audio"))


def test_a_run_tells_what_it_is_doing_all_its_life(database: Database, send: Send) -> None:
    send()
    seen = [look(database).state]
    claim = claimed(database)
    seen.append(look(database).state)
    with database.begin() as session:
        ledger.finish(session, claim, follow=(NextJob(kind="words"),))
    seen.append(look(database).state)
    with database.begin() as session:
        words = ledger.claim(session, "words", "somebody")
        assert words
        ledger.finish(session, words)
    seen.append(look(database).state)
    assert seen == ["waiting", "working", "working", "done"]


def test_an_unknown_run_is_none(database: Database) -> None:
    with database.read() as session:
        assert ledger.run(session, "EG_9") is None


def test_the_newest_runs_come_first(database: Database, send: Send) -> None:
    for n in range(4):
        send(f"EG_{n}", title=f"Room {n}")
        time.sleep(0.002)  # the database's clock tells them apart
    with database.read() as session:
        newest = ledger.runs(session, limit=3)
    assert [(run.id, run.name, run.show_slug) for run in newest] == [(f"EG_{n}", f"Room {n}", "tuesday") for n in (3, 2, 1)]


def test_a_failed_run_can_be_tried_again_from_the_beginning(database: Database, send: Send) -> None:
    send()
    refuse(database, claimed(database))
    assert look(database).state == "failed"
    with database.begin() as session:
        assert ledger.retry(session, "EG_1") == (Bell(queue="audio"),)
    run = look(database)
    assert (run.state, run.reason, run.jobs[0].error) == ("waiting", "", "")
    assert claimed(database).tries == 1
    with database.read() as session:
        episode = find_episode(session, "EG_1")
        outcomes = [a.outcome for a in ledger.attempts(session, run.jobs[0].id)]
    assert episode and episode.state == "working"
    assert outcomes == ["failed", ""]


def test_only_what_failed_is_tried_again(database: Database, send: Send) -> None:
    send()
    claim = claimed(database)
    with database.begin() as session:
        ledger.finish(session, claim, follow=(NextJob(kind="words"),))
    refuse(database, claimed(database, "words"))
    with database.begin() as session:
        assert ledger.retry(session, "EG_1") == (Bell(queue="words"),)
    assert {job.kind: job.state for job in look(database).jobs} == {"audio": "done", "words": "ready"}


@pytest.mark.parametrize(
    ("run_id", "why"), [("EG_1", "nothing of run EG_1 has failed, it is waiting"), ("EG_9", "there is no run EG_9")]
)
def test_nothing_to_try_again_is_refused_in_words(database: Database, send: Send, run_id: str, why: str) -> None:
    send()
    with pytest.raises(Refused, match=why), database.begin() as session:
        ledger.retry(session, run_id)


def test_a_held_run_says_what_it_waits_for(database: Database, send: Send) -> None:
    send("EG_1", show="nowhere")
    with pytest.raises(Refused, match="run EG_1 is held: there is no show 'nowhere'"), database.begin() as session:
        ledger.retry(session, "EG_1")


def test_a_waiting_run_can_be_cancelled_and_begun_again(database: Database, send: Send) -> None:
    send()
    with database.begin() as session:
        assert ledger.cancel(session, "EG_1")
        assert not ledger.cancel(session, "EG_1")
        assert ledger.claim(session, "audio", "somebody") is None
    assert look(database).state == "cancelled"
    with database.begin() as session:
        ledger.retry(session, "EG_1")
    assert claimed(database).recording_id == "EG_1"


def test_cancelling_leaves_an_audible_episode_as_it_is(database: Database, send: Send) -> None:
    send()
    claim = claimed(database)
    with database.begin() as session:
        ledger.finish(session, claim, follow=(NextJob(kind="words"),))
        session.execute(update(EpisodeRow).values(state="audible"))
        assert ledger.cancel(session, "EG_1")
    with database.read() as session:
        episode = find_episode(session, "EG_1")
    assert episode and (episode.state, episode.reason) == ("audible", "")


def test_a_paused_queue_is_not_claimed_from(database: Database, send: Send) -> None:
    send()
    with database.begin() as session:
        ledger.pause(session, "audio")
        ledger.pause(session, "audio")
        assert ledger.paused(session) == ("audio",)
        assert ledger.claim(session, "audio", "somebody") is None
        assert ledger.resume(session, "audio") == Bell(queue="audio")
        assert ledger.claim(session, "audio", "somebody")


def test_pausing_a_queue_that_is_not_there_names_those_that_are(database: Database) -> None:
    with pytest.raises(Refused, match="queues are audio, words, publish"), database.begin() as session:
        ledger.pause(session, "sound")


def test_a_held_recording_is_held_whatever_its_jobs_say() -> None:
    assert state_of("held", ()) == "held"
    assert state_of("accepted", ()) == "done"
