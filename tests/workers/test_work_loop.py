"""A bell is heard, a job is done: on both databases."""

import errno
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes_work import Jobs, until
from sqlalchemy import select, update
from sqlalchemy import text as sql
from sqlalchemy.exc import OperationalError

from feeds.catalogue import EpisodeRow, find_episode, find_show
from pipeline.errors import Broken, Hindered, Refused, Stopped
from workers import ledger
from workers.database import Database
from workers.heart import Heart
from workers.hindrance import Rest
from workers.intake import Accepted
from workers.ledger import MAX_TRIES, Bell, Claim, JobRow, Progress
from workers.work_loop import Outcome, WorkLoop, drain

Send = Callable[..., Accepted]


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


@pytest.fixture
def rung() -> list[Bell]:
    return []


@pytest.fixture
def loop(database: Database, jobs: Jobs, rung: list[Bell]) -> WorkLoop:
    return WorkLoop(database, jobs.bodies, ring=rung.append)


def run_of(database: Database, run_id: str = "EG_1") -> ledger.Run:
    with database.read() as session:
        found = ledger.run(session, run_id)
    assert found
    return found


def shift(database: Database, **columns: float) -> None:
    with database.begin() as session:
        session.execute(update(JobRow).values({name: getattr(JobRow, name) + by for name, by in columns.items()}))


def test_one_bell_works_a_queue_off_and_rings_for_what_follows(
    database: Database, send: Send, loop: WorkLoop, jobs: Jobs, rung: list[Bell]
) -> None:
    for n in range(3):
        send(f"EG_{n}")
    loop.hear("audio")
    assert [subject for _, subject in jobs.done] == ["EG_0", "EG_1", "EG_2"]
    assert {bell.queue for bell in rung} == {"words", "publish"}
    assert run_of(database).state == "working"
    loop.hear("words")
    assert run_of(database).state == "done"
    assert run_of(database).timings_s == {"encode": 0.1}


def test_a_bell_for_nothing_does_nothing(loop: WorkLoop, jobs: Jobs) -> None:
    loop.hear("audio")
    assert jobs.done == []


def test_results_and_the_end_of_the_job_are_one_transaction(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()

    def breaks_on_writing(claim: Claim, heart: Heart) -> Outcome:
        outcome = jobs.audio(claim, heart)

        def apply(session: object) -> None:
            outcome.apply(session)
            raise Broken("the row does not fit")

        return replace(outcome, apply=apply)

    jobs.bodies["audio"] = breaks_on_writing
    loop.hear("audio")
    with database.read() as session:
        episode = find_episode(session, "EG_1")
        show = find_show(session, "tuesday")
    assert episode and episode.state == "working"
    assert show and show.feed_rev == 0
    assert [(job.kind, job.state, job.error) for job in run_of(database).jobs] == [("audio", "ready", "the row does not fit")]


def test_a_failure_never_leaves_the_actor_and_is_rung_for_again(
    database: Database, send: Send, loop: WorkLoop, jobs: Jobs, rung: list[Bell]
) -> None:
    send()
    jobs.bodies["audio"] = raising(ZeroDivisionError("division by zero"))
    loop.hear("audio")
    assert rung == [Bell(queue="audio", delay_s=20.0)]
    assert run_of(database).jobs[0].error == "ZeroDivisionError: division by zero"


AWAY = OperationalError("SELECT 1", {}, sqlite3.OperationalError("disk I/O error"))


@pytest.mark.parametrize(
    ("met", "code"),
    [
        (Hindered("the store answers 503", code="store_away"), "store_away"),
        (OSError(errno.ENOSPC, "No space left on device", "part"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "part"), "disk_full"),
        (AWAY, "database_away"),
    ],
    ids=["store", "disk", "quota", "database"],
)
def test_what_is_in_the_way_counts_as_no_try_and_is_waited_for(
    database: Database, send: Send, loop: WorkLoop, jobs: Jobs, rung: list[Bell], met: Exception, code: str
) -> None:
    send()
    body, jobs.bodies["audio"] = jobs.audio, raising(met)
    for _ in range(MAX_TRIES + 1):
        assert loop.work_one("audio")
        (job,) = run_of(database).jobs
        assert (job.state, job.outcome, job.tries, job.error_code) == ("ready", "hindered", 0, code)
        shift(database, next_at=-60)
    assert all(bell.queue == "audio" and bell.delay_s >= 20 for bell in rung)
    jobs.bodies["audio"] = body
    assert loop.work_one("audio")
    assert run_of(database).jobs[0].state == "done"


def test_a_full_disk_is_told_with_what_to_do(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    jobs.bodies["audio"] = raising(OSError(errno.ENOSPC, "No space left on device", "/scratch/speech.pcm"))
    loop.work_one("audio")
    assert run_of(database).jobs[0].error == (
        "no space is left for /scratch/speech.pcm; make room where data_dir lies, and it goes on by itself"
    )


def test_an_impossible_statement_is_no_hindrance(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()

    def asks_wrong(claim: Claim, heart: Heart) -> Outcome:
        with database.read() as session:
            session.execute(sql("SELECT nothing FROM nowhere"))
        return Outcome()

    jobs.bodies["audio"] = asks_wrong
    loop.work_one("audio")
    assert (run_of(database).jobs[0].tries, run_of(database).jobs[0].error_code) == (1, "internal")


def test_who_is_hindered_again_and_again_leaves_the_others_their_jobs(
    database: Database, send: Send, loop: WorkLoop, jobs: Jobs
) -> None:
    for n in range(10):
        send(f"EG_{n}")
    jobs.bodies["audio"] = raising(Hindered("the disk is full here", code="disk_full"))
    for _ in range(3):
        loop.hear("audio")
    elsewhere = Jobs(database)
    WorkLoop(database, elsewhere.bodies, ring=[].append).hear("audio")
    assert len(elsewhere.done) == 9


def test_the_rest_of_the_hindered_grows_and_ends_when_something_goes_well() -> None:
    now = 0.0
    rest = Rest(lambda: now)
    rests = []
    for _ in range(7):
        assert not rest.is_due("audio")
        rest.hindered("audio")
        began = now
        while rest.is_due("audio"):
            assert not rest.is_due("words")
            now += 0.5
        rests.append(now - began)
    assert rests == [1, 2, 4, 8, 16, 30, 30]
    rest.went_on("audio")
    rest.hindered("audio")
    now += 1
    assert not rest.is_due("audio")


def test_what_does_not_stop_in_time_is_given_back_over_its_head(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    begun, let_go = threading.Event(), threading.Event()

    def deaf(claim: Claim, heart: Heart) -> Outcome:
        begun.set()
        let_go.wait(30)
        return jobs.audio(claim, heart)

    jobs.bodies["audio"] = deaf
    hearing = threading.Thread(target=loop.hear, args=("audio",))
    hearing.start()
    assert begun.wait(10)
    loop.stop()
    loop.abandon()
    (job,) = run_of(database).jobs
    assert (job.state, job.tries, job.outcome) == ("ready", 0, "given_back")
    assert loop.given_back == {"audio"}
    let_go.set()
    hearing.join(10)
    assert (run_of(database).jobs[0].state, run_of(database).jobs[0].tries) == ("ready", 0)


def test_a_refusal_ends_the_run(database: Database, send: Send, loop: WorkLoop, jobs: Jobs, rung: list[Bell]) -> None:
    send()
    jobs.bodies["audio"] = raising(Refused("there is no audio in it", code="no_audio"))
    loop.hear("audio")
    assert run_of(database).state == "failed"
    assert rung == []


def test_a_polite_stop_gives_the_job_back_uncounted(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    hearing = threading.Thread(target=loop.hear, args=("audio",))
    hearing.start()
    assert jobs.begun.wait(10)
    loop.stop()
    hearing.join(5)
    assert not hearing.is_alive()
    (job,) = run_of(database).jobs
    assert (job.state, job.tries) == ("ready", 0)
    with database.read() as session:
        assert [a.outcome for a in ledger.attempts(session, job.id)] == ["given_back"]
    jobs.let_go.set()
    loop.hear("audio")
    assert jobs.done == []


def test_a_cancelled_job_is_stopped_at_the_next_beat_and_changes_nothing(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    loop = WorkLoop(database, jobs.bodies, ring=[].append, lease_s=0.4)
    hearing = threading.Thread(target=loop.hear, args=("audio",))
    hearing.start()
    assert jobs.begun.wait(10)
    with database.begin() as session:
        assert ledger.cancel(session, "EG_1")
    hearing.join(10)
    assert not hearing.is_alive()
    run = run_of(database)
    assert (run.state, jobs.done) == ("cancelled", [])
    assert run.reason.startswith("This episode was cancelled before it could be heard.")


def test_who_stalled_past_the_lease_cannot_commit_and_says_so(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    said: list[str] = []

    def overtaken(claim: Claim, heart: Heart) -> Outcome:
        jobs.bodies["audio"] = jobs.audio
        shift(database, lease_until=-60)
        assert loop.work_one("audio")
        stale = update(EpisodeRow).values(title="stale")
        return Outcome(
            apply=lambda session: session.execute(stale), after=lambda: said.append("done"),
            overtaken=lambda: said.append("overtaken"),
        )  # fmt: skip

    jobs.bodies["audio"] = overtaken
    assert loop.work_one("audio")
    with database.read() as session:
        episode = find_episode(session, "EG_1")
        audio_id = session.scalars(select(JobRow.id).where(JobRow.kind == "audio")).one()
        outcomes = [a.outcome for a in ledger.attempts(session, audio_id)]
    assert episode and (episode.title, episode.state) == ("Tuesday room, 20 November 2026", "audible")
    assert outcomes == ["lost", "done"]
    assert said == ["overtaken"]


def test_a_long_job_keeps_its_lease(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    loop = WorkLoop(database, jobs.bodies, ring=[].append, lease_s=2.0)
    hearing = threading.Thread(target=loop.hear, args=("audio",))
    hearing.start()
    assert jobs.begun.wait(10)
    time.sleep(4.0)
    with database.begin() as session:
        assert ledger.claim(session, "audio", "a thief") is None
    jobs.let_go.set()
    hearing.join(10)
    assert [j.tries for j in run_of(database).jobs if j.kind == "audio"] == [1]


def test_progress_can_be_watched_while_the_job_runs(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    hearing = threading.Thread(target=loop.hear, args=("audio",))
    hearing.start()
    until(lambda: run_of(database).jobs[0].progress == Progress(stage="encode", share=0.5))
    assert run_of(database).state == "working"
    jobs.let_go.set()
    hearing.join(10)


def test_who_stops_though_nobody_asked_has_broken(database: Database, send: Send, loop: WorkLoop, jobs: Jobs) -> None:
    send()
    jobs.bodies["audio"] = raising(Stopped("all by itself"))
    loop.hear("audio")
    assert run_of(database).jobs[0].error == "the audio job stopped though nobody had asked: all by itself"


def test_a_run_is_worked_off_in_the_foreground_with_its_feed(database: Database, send: Send, jobs: Jobs) -> None:
    send("EG_1")
    send("EG_2")
    seen: list[tuple[str, str]] = []
    run = drain(database, jobs.bodies, "EG_1", watch=lambda claim, progress: seen.append((claim.kind, progress.stage)))
    assert run.state == "done"
    assert jobs.done == [("audio", "EG_1"), ("words", "EG_1")]
    assert seen == [("audio", "encode")]
    with database.read() as session:
        show = find_show(session, "tuesday")
    assert show and show.published_rev == show.feed_rev == 2
    assert run_of(database, "EG_2").state == "waiting"


def test_in_the_foreground_a_failure_is_told_at_once(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    jobs.bodies["audio"] = raising(Broken("the store is away"))
    run = drain(database, jobs.bodies, "EG_1", retries=False)
    assert (run.state, run.jobs[0].error) == ("working", "the store is away")


def test_in_the_foreground_a_hindrance_is_told_at_once(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    jobs.bodies["audio"] = raising(Hindered("the disk is full", code="disk_full"))
    run = drain(database, jobs.bodies, "EG_1", retries=False)
    assert (run.state, run.jobs[0].error_code, run.jobs[0].tries) == ("waiting", "disk_full", 0)


def test_in_the_foreground_nobody_waits_for_a_failed_job_to_rest(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    body, jobs.bodies["audio"] = jobs.audio, raising(Broken("the store is away"))
    drain(database, jobs.bodies, "EG_1", retries=False)
    jobs.bodies["audio"] = body
    assert drain(database, jobs.bodies, "EG_1", retries=False).state == "done"


def test_ctrl_c_in_the_foreground_gives_the_job_back(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    jobs.bodies["audio"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        drain(database, jobs.bodies, "EG_1")
    assert [(job.state, job.tries) for job in run_of(database).jobs] == [("ready", 0)]


def raising(error: BaseException) -> Callable[[Claim, Heart], Outcome]:
    def body(claim: Claim, heart: Heart) -> Outcome:
        raise error

    return body
