"""What becomes of jobs that fail, end their workers or are hindered, on both databases."""

import pytest
from claiming import Send, claimed, failed, finished, job, perhaps_claimed, shift
from sqlalchemy import select, update

from feeds.catalogue import Show, find_episode
from pipeline.errors import Broken, Hindered, Refused
from workers import ledger
from workers.database import Database
from workers.ledger import AttemptRow, Claim, NextJob, Progress
from workers.ledger.claims import back_off_s
from workers.ledger.history import forget_old_feeds
from workers.ledger.values import QUEUE_OF


def test_what_broke_rests_and_is_tried_again(database: Database, send: Send) -> None:
    send()
    bell = failed(database, claimed(database), Broken("the store answered 503"))
    assert bell == ledger.Bell(queue="audio", delay_s=20.0)
    assert perhaps_claimed(database) is None
    shift(database, next_at=-21)
    assert claimed(database).tries == 2


def test_the_rest_grows_to_ten_minutes() -> None:
    assert [back_off_s(tries) for tries in (1, 2, 3, 4, 9)] == [20, 40, 80, 160, 600]


def test_after_five_tries_it_has_failed_and_its_creator_is_told_why(database: Database, send: Send) -> None:
    send()
    for _ in range(5):
        shift(database, next_at=-1000)
        bell = failed(database, claimed(database), Broken("the store answered 503"))
    assert bell is None
    shift(database, next_at=-1000)
    assert perhaps_claimed(database) is None
    with database.read() as session:
        episode = find_episode(session, "EG_1")
    assert episode and episode.state == "failed"
    assert episode.reason == (
        "This episode could not be made: the store answered 503. The recording is kept as it came; nothing was published. "
        "Try again when the cause is gone."
    )


def test_what_is_refused_is_never_tried_again(database: Database, send: Send) -> None:
    send()
    assert failed(database, claimed(database), Refused("there is no audio in it", code="no_audio")) is None
    shift(database, next_at=-100_000)
    assert perhaps_claimed(database) is None
    with database.read() as session:
        (seen,) = ledger.runs(session, failed=True)
    assert (seen.state, seen.jobs[0].error_code) == ("failed", "no_audio")
    assert "Trying again will not help" in seen.reason


def test_words_that_fail_leave_the_episode_playing(database: Database, send: Send) -> None:
    send()
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    failed(database, claimed(database, "words"), Refused("no language is known for it"))
    with database.read() as session:
        episode = find_episode(session, "EG_1")
    assert episode and episode.state == "working"
    assert episode.reason.startswith("This episode has no transcript yet: no language is known for it. The episode plays")


def test_a_job_that_kills_its_worker_five_times_has_failed(database: Database, send: Send) -> None:
    send()
    for _ in range(5):
        claimed(database)
        shift(database, lease_until=-60)
    assert perhaps_claimed(database) is None
    with database.begin() as session:
        assert ledger.bury(session) == 1
        episode = find_episode(session, "EG_1")
    assert episode and episode.state == "failed" and "ended its worker 5 times" in episode.reason


def test_who_ends_its_worker_is_told_with_the_stage_and_what_went_wrong_before(database: Database, send: Send) -> None:
    send()
    failed(database, claimed(database), Broken("the store answered 503"))
    shift(database, next_at=-60)
    for _ in range(4):
        claim = claimed(database)
        with database.begin() as session:
            ledger.heartbeat(session, claim, Progress(stage="encode", share=0.4, took_s={"fetch": 1.5}))
        shift(database, lease_until=-60)
    with database.begin() as session:
        assert ledger.bury(session) == 1
        tries = ledger.attempts(session, claim.id)
    assert (job(database).state, job(database).error_code) == ("failed", "worker_died")
    assert job(database).error == (
        "it ended its worker 4 times, the last in encode, 40% done (out of memory?); an earlier try: the store answered 503"
    )
    assert [a.outcome for a in tries] == ["failed", "lost", "lost", "lost", "lost"]
    assert {(a.error, a.timings_s["fetch"]) for a in tries[1:]} == {("its worker ended or stalled in encode, 40% done", 1.5)}


def test_a_new_try_begins_without_the_progress_of_the_last(database: Database, send: Send) -> None:
    send()
    claim = claimed(database)
    with database.begin() as session:
        ledger.heartbeat(session, claim, Progress(stage="encode", share=0.4))
    shift(database, lease_until=-60)
    claimed(database)
    assert job(database).progress == {}


# ---- what is in the way


def hindered(database: Database, claim: Claim, error: Hindered) -> ledger.Bell | None:
    with database.begin() as session:
        return ledger.hinder(session, claim, error)


FULL = Hindered("too little room in scratch: 3 bytes are free; make room", code="disk_full")


@pytest.mark.parametrize("kind", ["audio", "feed"])
def test_what_is_hindered_rests_and_goes_on_by_itself_however_often(database: Database, send: Send, show: Show, kind: str) -> None:
    send()
    with database.begin() as session:
        ledger.feed_changed(session, show.id)
    queue = QUEUE_OF[kind]
    for _ in range(12):
        claim = claimed(database, queue)
        assert claim.tries == 1
        bell = hindered(database, claim, FULL)
        assert bell and bell.queue == queue and 20 <= bell.delay_s <= 40
        assert perhaps_claimed(database, queue) is None
        shift(database, next_at=-41)
    finished(database, claimed(database, queue))
    assert (job(database, kind).state, job(database, kind).error, job(database, kind).error_code) == ("done", "", "")


def test_while_it_waits_everybody_sees_for_what(database: Database, send: Send) -> None:
    send()
    hindered(database, claimed(database), FULL)
    with database.read() as session:
        run = ledger.run(session, "EG_1")
        episode = find_episode(session, "EG_1")
    assert run and run.state == "waiting"
    assert (run.jobs[0].error_code, run.jobs[0].error) == ("disk_full", str(FULL))
    assert episode and episode.state == "working" and not episode.reason


def test_a_long_wait_is_one_entry_of_the_history(database: Database, send: Send) -> None:
    send()
    failed(database, claimed(database), Broken("the store answered 503"))
    began_at = None
    for n in range(5):
        shift(database, next_at=-60)
        claim = claimed(database)
        hindered(database, claim, Hindered(f"{n} bytes are free", code="disk_full"))
        with database.read() as session:
            tries = ledger.attempts(session, claim.id)
        began_at = began_at or tries[-1].started_at
        assert [a.outcome for a in tries] == ["failed", "hindered"]
        assert (tries[-1].started_at, tries[-1].error) == (began_at, f"{n} bytes are free")
    shift(database, next_at=-60)
    finished(database, claimed(database))
    with database.read() as session:
        assert [a.outcome for a in ledger.attempts(session, claim.id)] == ["failed", "hindered", "done"]


def test_tries_of_feeds_are_kept_for_a_week_those_of_recordings_for_ever(database: Database, send: Send, show: Show) -> None:
    send()
    finished(database, claimed(database), feed_changed=True)
    finished(database, claimed(database, "publish"))
    with database.begin() as session:
        session.execute(update(AttemptRow).values(ended_at=AttemptRow.ended_at - 8 * 86_400))
        ledger.feed_changed(session, show.id)
    shift(database, next_at=-60)
    finished(database, claimed(database, "publish"))
    with database.begin() as session:
        assert forget_old_feeds(session) == 1
        assert sorted(session.execute(select(AttemptRow.kind, AttemptRow.fence))) == [("audio", 1), ("feed", 2)]


def test_who_was_overtaken_hinders_nobody(database: Database, send: Send) -> None:
    send()
    stalled = claimed(database)
    shift(database, lease_until=-60)
    holder = claimed(database)
    assert hindered(database, stalled, FULL) is None
    finished(database, holder)


def test_an_error_of_ours_is_told_by_its_type(database: Database, send: Send) -> None:
    send()
    failed(database, claimed(database), KeyError("gain"))
    assert (job(database).error_code, job(database).error) == ("internal", "KeyError: 'gain'")
