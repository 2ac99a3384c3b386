"""Who may do which job, on both databases."""

import math
import threading

import pytest
from claiming import Send, claimed, finished, job, perhaps_claimed, shift
from sqlalchemy import insert, select

from feeds.catalogue import Show, ShowRow, add_show, db_now, find_show
from pipeline.errors import Broken
from workers import ledger
from workers.database import Database, open_database
from workers.ledger import Fenced, JobRow, NextJob, Progress


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
