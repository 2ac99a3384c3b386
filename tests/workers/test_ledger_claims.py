"""Who may do which job, on both databases."""

import math
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import insert, select, update

from feeds.catalogue import Show, ShowRow, add_show, db_now, find_episode, find_show
from pipeline.errors import Broken, Hindered, Refused
from workers import ledger
from workers.database import Database, open_database
from workers.intake import Accepted
from workers.ledger import AttemptRow, Claim, Fenced, JobRow, NextJob, Progress
from workers.ledger.claims import back_off_s
from workers.ledger.history import forget_old_feeds
from workers.ledger.values import QUEUE_OF

Send = Callable[..., Accepted]


def claimed(database: Database, queue: str = "audio", **options: object) -> Claim:
    claim = perhaps_claimed(database, queue, **options)
    assert claim
    return claim


def perhaps_claimed(database: Database, queue: str = "audio", **options: object) -> Claim | None:
    with database.begin() as session:
        return ledger.claim(session, queue, "somebody", **options)


def finished(database: Database, claim: Claim, **outcome: object) -> tuple[ledger.Bell, ...]:
    with database.begin() as session:
        return ledger.finish(session, claim, **outcome)


def failed(database: Database, claim: Claim, error: Exception) -> ledger.Bell | None:
    with database.begin() as session:
        return ledger.fail(session, claim, error)


def job(database: Database, kind: str = "audio") -> JobRow:
    with database.read() as session:
        return session.scalars(select(JobRow).where(JobRow.kind == kind)).one()


def shift(database: Database, **columns: float) -> None:
    """Move times of every job by so many seconds, as if they had passed."""
    with database.begin() as session:
        session.execute(update(JobRow).values({name: getattr(JobRow, name) + by for name, by in columns.items()}))


def test_a_job_is_claimed_once(database: Database, send: Send) -> None:
    send()
    claim = claimed(database)
    assert (claim.kind, claim.recording_id, claim.tries, claim.fence) == ("audio", "EG_1", 1, 1)
    assert perhaps_claimed(database) is None


def test_of_many_claimers_each_gets_another_job(database: Database, send: Send) -> None:
    for n in range(20):
        send(f"EG_{n}")
    got: list[str] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        while claim := perhaps_claimed(database):
            got.append(claim.subject)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"EG_{n}" for n in range(20))


def test_a_show_with_many_rooms_does_not_starve_the_others(database: Database, send: Send) -> None:
    with database.begin() as session:
        add_show(session, "quiet", "https://pods.example")
    for n in range(5):
        send(f"EG_{n}")
    send("EG_quiet", show="quiet")
    first, second, third = (claimed(database).subject for _ in range(3))
    assert (first, second, third) == ("EG_0", "EG_quiet", "EG_1")


@pytest.mark.parametrize("hands", [1, 4])
def test_twenty_shows_with_one_room_hardly_notice_one_with_five_hundred(database: Database, send: Send, hands: int) -> None:
    with database.begin() as session:
        for n in range(20):
            add_show(session, f"quiet-{n}", "https://pods.example")
        big = session.scalars(select(ShowRow.id).where(ShowRow.slug == "tuesday")).one()
        session.execute(
            insert(JobRow), [{"kind": "clip", "queue": "audio", "subject": f"C{n}", "show_id": big} for n in range(500)]
        )
    for n in range(20):
        send(f"EG_{n}", show=f"quiet-{n}")
    rounds = rounds_until_done(database, hands, {f"EG_{n}" for n in range(20)})
    assert rounds <= 2 * math.ceil(20 / hands)


def rounds_until_done(database: Database, hands: int, wanted: set[str]) -> int:
    """How often every hand takes a job and finishes it, as jobs of the same length, until all that is wanted is done."""
    rounds = 0
    while wanted:
        rounds += 1
        claims = [claimed(database) for _ in range(hands)]
        for claim in claims:
            finished(database, claim)
            wanted.discard(claim.subject)
    return rounds


def test_a_paused_queue_is_still_paused_for_who_starts_later(database: Database, database_url: str, send: Send) -> None:
    send()
    with database.begin() as session:
        ledger.pause(session, "audio")
    later = open_database(database_url)
    assert perhaps_claimed(later) is None
    with later.begin() as session:
        assert ledger.resume(session, "audio") == ledger.Bell(queue="audio")
    assert claimed(database).subject == "EG_1"
    later.close()


def test_an_abandoned_job_is_claimed_again_under_a_higher_fence(database: Database, send: Send) -> None:
    send()
    first = claimed(database)
    assert perhaps_claimed(database) is None
    shift(database, lease_until=-60)
    second = claimed(database)
    assert (second.fence, second.tries) == (first.fence + 1, 2)
    with database.read() as session:
        assert [a.outcome for a in ledger.attempts(session, first.id)] == ["lost", ""]


def test_who_was_overtaken_changes_nothing(database: Database, send: Send) -> None:
    send()
    stalled = claimed(database)
    shift(database, lease_until=-60)
    holder = claimed(database)
    with database.begin() as session:
        assert not ledger.heartbeat(session, stalled, Progress(stage="encode"))
        assert not ledger.give_back(session, stalled)
        assert ledger.fail(session, stalled, Broken("too late")) is None
    with pytest.raises(Fenced):
        finished(database, stalled, follow=(NextJob(kind="words"),), feed_changed=True)
    assert perhaps_claimed(database, "words") is None
    finished(database, holder)
    assert (job(database).state, job(database).error) == ("done", "")


def test_a_heart_keeps_the_lease_and_tells_how_far_it_is(database: Database, send: Send) -> None:
    send()
    claim = claimed(database, lease_s=30.0)
    shift(database, lease_until=-29)
    with database.begin() as session:
        assert ledger.heartbeat(session, claim, Progress(stage="encode", share=0.25, note="2 of 3"))
        left_s = session.scalar(select(JobRow.lease_until - db_now()))
        seen = ledger.run(session, "EG_1")
    assert left_s == pytest.approx(30, abs=1)
    assert seen and seen.jobs[0].progress == Progress(stage="encode", share=0.25, note="2 of 3")


def test_finishing_asks_for_what_follows_in_the_same_transaction(database: Database, send: Send, show: Show) -> None:
    send()
    follow = (NextJob(kind="words"), NextJob(kind="notify"))
    bells = finished(database, claimed(database), follow=follow, feed_changed=True, timings={"encode": 1.5})
    assert sorted(bell.queue for bell in bells) == ["publish", "publish", "words"]
    with database.read() as session:
        seen = ledger.run(session, "EG_1")
        changed = find_show(session, "tuesday")
    assert seen and changed
    assert {j.kind: j.state for j in seen.jobs} == {"audio": "done", "words": "ready", "notify": "ready"}
    assert seen.timings_s == {"encode": 1.5}
    assert changed.feed_rev == show.feed_rev + 1
    assert claimed(database, "publish").subject in {show.id, "EG_1"}


def test_nothing_of_a_finish_stays_when_its_transaction_breaks(database: Database, send: Send, show: Show) -> None:
    send()
    claim = claimed(database)

    def finish_and_break() -> None:
        with database.begin() as session:
            ledger.finish(session, claim, follow=(NextJob(kind="words"),), feed_changed=True)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        finish_and_break()
    assert job(database).state == "running"
    assert perhaps_claimed(database, "words") is None
    with database.read() as session:
        assert find_show(session, "tuesday") == show


def test_a_polite_stop_does_not_count(database: Database, send: Send) -> None:
    send()
    for _ in range(10):
        claim = claimed(database)
        assert claim.tries == 1
        with database.begin() as session:
            assert ledger.give_back(session, claim)


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


def test_a_job_asked_for_while_it_runs_runs_again_after_a_rest(database: Database, show: Show) -> None:
    with database.begin() as session:
        ledger.feed_changed(session, show.id)
    claim = claimed(database, "publish")
    with database.begin() as session:
        assert ledger.feed_changed(session, show.id) == []
    (bell,) = finished(database, claim)
    assert bell == ledger.Bell(queue="publish", delay_s=1.0)
    assert perhaps_claimed(database, "publish") is None
    shift(database, next_at=-1)
    finished(database, claimed(database, "publish"))
    assert job(database, "feed").state == "done"


def test_fifty_changes_before_anybody_looks_are_one_job(database: Database, show: Show) -> None:
    for _ in range(50):
        with database.begin() as session:
            ledger.feed_changed(session, show.id)
    finished(database, claimed(database, "publish"))
    assert perhaps_claimed(database, "publish") is None


def test_a_feed_that_has_just_been_written_rests_before_the_next_change(database: Database, show: Show) -> None:
    with database.begin() as session:
        (first,) = ledger.feed_changed(session, show.id)
    finished(database, claimed(database, "publish"))
    with database.begin() as session:
        (second,) = ledger.feed_changed(session, show.id)
    assert first.delay_s == 0 and 0.5 < second.delay_s <= 1.0


def test_a_narrowed_claim_sees_one_run_and_its_shows_feed(database: Database, send: Send, show: Show) -> None:
    send("EG_1")
    send("EG_2")
    finished(database, claimed(database, run="EG_2"), feed_changed=True)
    assert perhaps_claimed(database, run="EG_2") is None
    assert claimed(database, "publish", run="EG_2").subject == show.id
    assert claimed(database, run="EG_1").subject == "EG_1"
