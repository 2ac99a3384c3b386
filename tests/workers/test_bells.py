"""Workers and their bells: each claim holds on both databases, with bells in memory and on Redis."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from fakes_rooms import a_room
from fakes_work import Jobs, Worker, until
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from bench.trial.servers import RedisServer
from feeds.catalogue import Show, find_show
from workers import ledger
from workers.broker import ENOUGH_WAITING, HANDS, Bells, open_broker, warn_of_clocks
from workers.database import Database
from workers.intake import Accepted
from workers.ledger import QUEUES, Bell, HandsRow, JobRow
from workers.sweep import Sweeper

Send = Callable[..., Accepted]


@pytest.fixture
def jobs(database: Database) -> Iterator[Jobs]:
    jobs = Jobs(database)
    yield jobs
    jobs.let_go.set()


def all_done(database: Database) -> bool:
    with database.read() as session:
        return not session.scalar(select(func.count()).where(JobRow.state.in_(("ready", "running"))))


def states(database: Database) -> set[str]:
    with database.read() as session:
        return {run.state for run in ledger.runs(session)}


def test_a_room_goes_all_the_way_by_bells_alone(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    with Worker(database, jobs, redis_url=redis_url, sweeps=False) as worker:
        send()
        worker.bells.ring(Bell(queue="audio"))
        until(lambda: all_done(database), 5)
    assert jobs.done == [("audio", "EG_1"), ("words", "EG_1")]
    with database.read() as session:
        show = find_show(session, "tuesday")
    assert show and show.published_rev == show.feed_rev == 2


def test_a_bell_that_was_never_rung_costs_one_sweep(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    with Worker(database, jobs, redis_url=redis_url):
        send()
        until(lambda: states(database) == {"done"}, 5)


def test_doubled_bells_do_the_work_once(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    send()
    with Worker(database, jobs, redis_url=redis_url, sweeps=False) as worker:
        for _ in range(20):
            worker.bells.ring(Bell(queue="audio"))
        until(lambda: all_done(database), 5)
    assert jobs.done.count(("audio", "EG_1")) == 1


def test_fifty_episodes_that_finish_at_once_are_few_feeds(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    for n in range(50):
        send(f"EG_{n}")
    with Worker(database, jobs, redis_url=redis_url):
        until(lambda: all_done(database), 30)
        written = jobs.feeds_written
    with database.read() as session:
        show = find_show(session, "tuesday")
    assert show and show.published_rev == show.feed_rev == 100
    assert len(jobs.done) == len(set(jobs.done)) == 100
    assert written <= 10


def test_asked_to_stop_workers_end_within_seconds_and_give_back(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    with Worker(database, jobs, redis_url=redis_url):
        assert jobs.begun.wait(10)
        asked_at = time.monotonic()
    assert time.monotonic() - asked_at < 5
    with database.read() as session:
        run = ledger.run(session, "EG_1")
    assert run and [(job.state, job.tries) for job in run.jobs] == [("ready", 0)]


def test_a_stopped_job_goes_on_at_the_next_worker(database: Database, redis_url: str, send: Send, jobs: Jobs) -> None:
    send()
    jobs.let_go.clear()
    with Worker(database, jobs, redis_url=redis_url):
        assert jobs.begun.wait(10)
    jobs.let_go.set()
    with Worker(database, jobs, redis_url=redis_url):
        until(lambda: states(database) == {"done"}, 5)


def test_workers_of_two_processes_share_the_work(database: Database, redis_server: RedisServer, send: Send, jobs: Jobs) -> None:
    redis_server.flush()
    for n in range(20):
        send(f"EG_{n}")
    with Worker(database, jobs, redis_url=redis_server.url), Worker(database, jobs, redis_url=redis_server.url):
        until(lambda: states(database) == {"done"}, 20)
    assert sorted(jobs.done) == sorted((kind, f"EG_{n}") for n in range(20) for kind in ("audio", "words"))


def test_redis_emptied_again_and_again_loses_nothing(database: Database, redis_server: RedisServer, send: Send, jobs: Jobs) -> None:
    over = threading.Event()

    def empty() -> None:
        while not over.wait(0.05):
            redis_server.flush()

    emptier = threading.Thread(target=empty)
    emptier.start()
    with Worker(database, jobs, redis_url=redis_server.url) as worker:
        for n in range(20):
            send(f"EG_{n}")
            worker.bells.ring(Bell(queue="audio"))
        until(lambda: states(database) == {"done"}, 20)
        over.set()
        emptier.join()
    assert sorted(jobs.done) == sorted((kind, f"EG_{n}") for n in range(20) for kind in ("audio", "words"))


@pytest.fixture
def own_redis(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of the test's own, for it may die."""
    with RedisServer(tmp_path_factory.mktemp("own-redis")) as server:
        yield server


def test_rooms_are_accepted_while_redis_is_away_and_done_when_it_is_back(
    database: Database, own_redis: RedisServer, send: Send, jobs: Jobs
) -> None:
    with Worker(database, jobs, redis_url=own_redis.url) as worker:
        own_redis.kill()
        send()
        worker.bells.ring(Bell(queue="audio"))
        time.sleep(0.5)
        assert states(database) == {"waiting"}
        own_redis.start()
        until(lambda: states(database) == {"done"}, 30)


def test_workers_start_without_redis_and_work_when_it_comes(
    database: Database, own_redis: RedisServer, send: Send, jobs: Jobs
) -> None:
    own_redis.kill()
    send()
    with Worker(database, jobs, redis_url=own_redis.url) as worker:
        until(lambda: not any(consumer.consumer is None for crew in worker.workers.crews for consumer in crew.consumers.values()))
        assert states(database) == {"waiting"}
        own_redis.start()
        until(lambda: states(database) == {"done"}, 30)


def listeners(worker: Worker) -> list[threading.Thread]:
    """The threads of a worker that listen, for bells that ring now and for delayed ones."""
    return [thread for crew in worker.workers.crews for thread in (*crew.consumers.values(), *crew.workers)]


def made_read_only(server: RedisServer) -> None:
    """Every write fails, as on a replica."""
    with redis.Redis.from_url(server.url) as client:
        client.config_set("min-replicas-to-write", 1)
        time.sleep(4)
        client.config_set("min-replicas-to-write", 0)


def stood_still(server: RedisServer) -> None:
    """Nothing is answered for longer than anybody waits."""
    os.kill(server.pid, signal.SIGSTOP)
    time.sleep(4)
    os.kill(server.pid, signal.SIGCONT)


def restarted(server: RedisServer) -> None:
    server.kill()
    time.sleep(1)
    server.start()


@pytest.mark.parametrize("trouble", [made_read_only, stood_still, restarted])
def test_whatever_happens_to_redis_nobody_stops_listening(
    database: Database, own_redis: RedisServer, send: Send, jobs: Jobs, trouble: Callable[[RedisServer], None]
) -> None:
    with Worker(database, jobs, redis_url=own_redis.url, sweeps=False) as worker:
        before = listeners(worker)
        worker.bells.ring(Bell(queue="audio", delay_s=600.0))
        delayed = worker.workers.crews[0].consumers["audio.DQ"]
        until(lambda: delayed.delay_queue.qsize() == 1)
        trouble(own_redis)
        send()

        def rung_and_done() -> bool:
            for queue in QUEUES:
                worker.bells.ring(Bell(queue=queue))
            return states(database) == {"done"}

        until(rung_and_done, 40)
        assert all(thread.is_alive() for thread in before)
        assert listeners(worker) == before


def test_a_delayed_bell_in_the_hands_of_who_was_killed_costs_a_sweep(
    database: Database, redis_server: RedisServer, send: Send, jobs: Jobs
) -> None:
    redis_server.flush()
    send()
    with database.begin() as session:
        session.execute(update(JobRow).values(next_at=JobRow.next_at + 1.5))
    killed = open_broker(redis_server.url)
    Bells(killed).ring(Bell(queue="audio", delay_s=1.5))
    until(lambda: killed.consume("audio.DQ", prefetch=1000).__next__() is not None)
    with Worker(database, jobs, redis_url=redis_server.url):
        until(lambda: states(database) == {"done"}, 20)


def test_who_only_rings_looks_for_nobodys_dead(redis_server: RedisServer, database: Database, jobs: Jobs) -> None:
    assert open_broker(redis_server.url).maintenance_chance == 0
    with Worker(database, jobs, redis_url=redis_server.url) as worker:
        assert worker.broker.maintenance_chance == 1_000_000


def test_bells_that_nobody_hears_do_not_pile_up(redis_url: str) -> None:
    bells = Bells(open_broker(redis_url))
    for _ in range(3 * ENOUGH_WAITING):
        bells.ring(Bell(queue="audio"))
        bells.ring(Bell(queue="audio", delay_s=60.0))
    assert bells.waiting("audio") == bells.waiting("audio.DQ") == ENOUGH_WAITING
    bells.broker.close()


def test_a_redis_that_never_answers_holds_up_the_first_who_rings_and_nobody_after() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        bells = Bells(open_broker(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"))
        bells.ring(Bell(queue="audio"))
        began = time.monotonic()
        for _ in range(100):
            bells.ring(Bell(queue="audio"))
            bells.top_up("words", 3)
        assert time.monotonic() - began < 1.0


def test_clocks_that_differ_are_told(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    bells = Bells(open_broker(redis_server.url))
    with capture_logs() as told:
        warn_of_clocks(bells)
        warn_of_clocks(Bells(open_broker("")))
        warn_of_clocks(Bells(open_broker("redis://127.0.0.1:1/0")))
    assert told == []
    real = time.time
    monkeypatch.setattr("workers.broker.time.time", lambda: real() - 90)
    with capture_logs() as told:
        warn_of_clocks(bells)
    assert [(line["event"], round(line["redis_is_ahead_s"])) for line in told] == [("clocks_differ", 90)]


def test_the_sweep_never_rings_more_than_there_are_free_hands(database: Database, redis_url: str, send: Send) -> None:
    for n in range(10):
        send(f"EG_{n}")
    bells = Bells(open_broker(redis_url))
    sweeper = Sweeper(database, bells, hands=HANDS)
    for _ in range(3):
        assert sweeper.sweep()
        assert [bells.waiting(queue) for queue in ("audio", "words", "publish")] == [1, 0, 0]
    bells.broker.close()


def test_the_sweep_is_one_processes_duty_at_a_time(database: Database, redis_url: str) -> None:
    bells = Bells(open_broker(redis_url))
    first, second = (Sweeper(database, bells, hands=HANDS) for _ in range(2))
    second.owner = "another-machine/place/1/1"
    assert [first.sweep(), second.sweep(), first.sweep()] == [True, False, True]
    first.start()
    first.stop()
    assert second.sweep()
    bells.broker.close()


def test_nobody_rings_for_a_paused_queue(database: Database, send: Send, jobs: Jobs) -> None:
    send()
    with database.begin() as session:
        ledger.pause(session, "words")
    with Worker(database, jobs) as worker:
        until(lambda: ("audio", "EG_1") in jobs.done)
        time.sleep(0.5)
        assert jobs.done == [("audio", "EG_1")]
        with database.begin() as session:
            assert ledger.paused(session) == ("words",)
            bell = ledger.resume(session, "words")
        worker.bells.ring(bell)
        until(lambda: states(database) == {"done"})


def test_a_feed_that_was_left_behind_is_written_again(database: Database, show: Show, jobs: Jobs) -> None:
    with database.begin() as session:
        ledger.feed_changed(session, show.id)
        session.query(JobRow).delete()
    with Worker(database, jobs):
        until(lambda: jobs.feeds_written == 1)


def test_a_ring_into_nowhere_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    bells = Bells(open_broker("redis://127.0.0.1:1/0"))
    bells.ring(Bell(queue="audio"))
    bells.top_up("audio", 3)


def test_each_process_sweeps_for_itself_where_bells_ring_in_memory(database: Database, send: Send, jobs: Jobs) -> None:
    elsewhere = Sweeper(database, Bells(open_broker("")), hands=HANDS)
    elsewhere.owner = "another-machine/place/1/1"
    assert elsewhere.sweep()
    send()
    with Worker(database, jobs):
        until(lambda: states(database) == {"done"})


def test_the_hands_of_the_dead_are_forgotten(database: Database) -> None:
    with database.begin() as session:
        session.add(HandsRow(owner="long/gone/1/1", queue="audio", count=8, until=1.0))
    Sweeper(database, Bells(open_broker("")), hands={"words": 1}).sweep()
    with database.read() as session:
        assert session.scalars(select(HandsRow.queue)).all() == ["words"]


def test_a_bell_names_a_queue_and_nothing_else(redis_server: RedisServer) -> None:
    redis_server.flush()
    broker = open_broker(redis_server.url)
    Bells(broker).ring(Bell(queue="audio"))
    (body,) = broker.client.hgetall("aircheck:audio.msgs").values()
    message = broker.consume("audio").__next__()
    assert (message.actor_name, message.args, message.kwargs) == ("audio", (), {})
    assert len(body) < 250
    assert a_room().recording_id.encode() not in body
