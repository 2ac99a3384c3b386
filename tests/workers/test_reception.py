"""Rooms that arrive together are taken in together; each is answered for itself, after the commit, whatever befalls the others."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from fakes_rooms import a_room
from fakes_work import until
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from feeds.catalogue import EpisodeRow, Show, add_show, episode_guid, episode_slug
from pipeline.errors import Broken, Hindered, Refused
from workers import ledger
from workers.database import Database
from workers.intake import Accepted, Arrival, IntakeRules, accept_all
from workers.ledger import Bell, InboxRow, JobRow, RecordingRow
from workers.reception import BATCH, Reception

RULES = IntakeRules(public_url="https://pods.example")
SOON_S = 60.0


def arrival(recording_id: str, root: str = "/recordings", **changed: object) -> Arrival:
    return Arrival.of(a_room(recording_id, **changed), root, provider="hooks")


def counts(database: Database) -> list[int]:
    """Rows of inbox, recordings, episodes and jobs."""
    with database.read() as session:
        tables = (InboxRow, RecordingRow, EpisodeRow, JobRow)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


class Counted:
    """How many commits reached the disk, and what to do just before one."""

    def __init__(self) -> None:
        self.commits = 0
        self.before: Callable[[], object] = lambda: None

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "commit", self._commit)

    def _commit(self, _connection: object) -> None:
        self.before()
        self.commits += 1


class Bells:
    """Rung by the reception; may be slow."""

    def __init__(self) -> None:
        self.rung: list[Sequence[Bell]] = []
        self.may_ring = threading.Event()
        self.may_ring.set()

    def ring(self, bells: Sequence[Bell]) -> None:
        self.may_ring.wait(SOON_S)
        self.rung.append(bells)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What is logged of rooms that fail is not printed."""
    with capture_logs():
        yield


@pytest.fixture
def bells() -> Iterator[Bells]:
    made = Bells()
    yield made
    made.may_ring.set()


@pytest.fixture
def reception(database: Database, show: Show, bells: Bells) -> Reception:
    return Reception(database, RULES, bells.ring)


def busy(reception: Reception) -> threading.Event:
    """The reception is kept busy until the event is set: whoever arrives meanwhile joins one batch."""
    let_go = threading.Event()
    reception._clerk.submit(let_go.wait, SOON_S)
    return let_go


def together(reception: Reception, arrivals: Sequence[Arrival]) -> list[Future[Accepted]]:
    """Their answers, all taken in with one commit."""
    let_go = busy(reception)
    answers = [reception.take(each) for each in arrivals]
    let_go.set()
    wait(answers, SOON_S)
    return answers


def test_who_arrives_during_a_commit_joins_the_next(database: Database, reception: Reception) -> None:
    counted = Counted()
    counted.listen(database.durable_engine)
    answers = together(reception, [arrival(f"EG_{n}") for n in range(BATCH + 50)])
    assert [answer.result().run for answer in answers] == [f"EG_{n}" for n in range(BATCH + 50)]
    assert counted.commits == 2
    assert counts(database) == [BATCH + 50] * 4


def test_a_burst_becomes_few_commits(database: Database, reception: Reception) -> None:
    counted = Counted()
    counted.listen(database.durable_engine)
    wait([reception.take(arrival(f"EG_{n}")) for n in range(3 * BATCH)], SOON_S)
    assert counted.commits <= 20
    assert counts(database) == [3 * BATCH] * 4


def test_who_comes_alone_waits_for_nobody(reception: Reception) -> None:
    accepted = reception.take(arrival("EG_1")).result(SOON_S)
    assert accepted == Accepted(run="EG_1", episode_guid=accepted.episode_guid, show_slug="tuesday", known=False)
    assert accepted.episode_guid


def test_nobody_is_answered_before_the_commit(database: Database, reception: Reception, bells: Bells) -> None:
    counted, seen = Counted(), list[tuple[bool, int]]()
    answers: list[Future[Accepted]] = []
    counted.before = lambda: seen.append((any(answer.done() for answer in answers), len(bells.rung)))
    counted.listen(database.durable_engine)
    let_go = busy(reception)
    answers += [reception.take(arrival(f"EG_{n}")) for n in range(20)]
    let_go.set()
    wait(answers, SOON_S)
    assert seen == [(False, 0)]


def test_a_room_twice_in_one_batch_is_new_once(database: Database, reception: Reception) -> None:
    answers = together(reception, [arrival("EG_1"), arrival("EG_2"), arrival("EG_1", title="Changed"), arrival("EG_1")])
    first, other, second, third = (answer.result() for answer in answers)
    assert second == third == replace(first, known=True)
    assert not first.known and not other.known
    assert counts(database) == [2] * 4


def test_one_bell_serves_a_batch_and_rings_after_its_commit(database: Database, show: Show) -> None:
    seen: list[tuple[list[Bell], list[int]]] = []
    reception = Reception(database, RULES, lambda rung: seen.append((list(rung), counts(database))))
    together(reception, [arrival(f"EG_{n}") for n in range(30)])
    until(lambda: len(seen) == 1)
    assert seen == [([Bell(queue="audio")], [30] * 4)]


def test_a_batch_that_brings_nothing_new_rings_no_bell(reception: Reception, bells: Bells) -> None:
    reception.take(arrival("EG_1")).result(SOON_S)
    until(lambda: len(bells.rung) == 1)
    together(reception, [arrival("EG_1"), arrival("EG_1")])
    reception.take(arrival("EG_2")).result(SOON_S)
    until(lambda: len(bells.rung) == 2)


def test_a_bell_that_is_slow_to_reach_keeps_nobody_waiting(reception: Reception, bells: Bells) -> None:
    bells.may_ring.clear()
    for n in range(5):
        assert reception.take(arrival(f"EG_{n}")).result(SOON_S).run == f"EG_{n}"
    assert bells.rung == []
    bells.may_ring.set()
    until(lambda: len(bells.rung) == 2)  # the one that was ringing, and one for all that came meanwhile


# ---- one that fails, fails alone


def clash(session: Session, show: Show) -> None:
    """An episode that claims to be made from EG_bad, under another guid."""
    guid = episode_guid(show.guid, "other", "session")
    session.add(
        EpisodeRow(guid=guid, show_id=show.id, recording_id="EG_bad", slug=episode_slug(guid), title="Other", started_at="2026")
    )


def poisons() -> dict[str, Arrival]:
    """Rooms that no database can keep, though the door should never have let them in."""
    return {
        "an episode of its recording exists under another guid": arrival("EG_bad"),
        "half a letter in its root": arrival("EG_bad", root="/recordings/\udcff"),
        "a moment that is none": arrival("EG_bad", started_at=None),
        "a name that is no text": arrival("EG_bad", session_id=object()),
    }


@pytest.mark.parametrize("poison", poisons())
def test_a_room_that_cannot_be_kept_fails_alone(database: Database, show: Show, reception: Reception, poison: str) -> None:
    if "exists" in poison:
        with database.begin() as session:
            clash(session, show)
    good = [arrival(f"EG_{n}") for n in range(10)]
    before = counts(database)
    answers = together(reception, [*good[:5], poisons()[poison], *good[5:], good[0]])
    bad = answers.pop(5)
    with pytest.raises(Broken, match="could not be kept") as raised:
        bad.result()
    assert raised.value.code == "not_kept"
    assert [answer.result().known for answer in answers] == [False] * 10 + [True]
    assert [now - then for now, then in zip(counts(database), before, strict=True)] == [10] * 4
    with database.read() as session:
        assert ledger.run(session, "EG_bad") is None


def test_a_room_that_the_rules_refuse_fails_alone(database: Database, show: Show, bells: Bells) -> None:
    reception = Reception(database, replace(RULES, unknown_show="refuse"), bells.ring)
    good, refused, known = together(reception, [arrival("EG_1"), arrival("EG_2", show="friday"), arrival("EG_1")])
    with pytest.raises(Refused, match="there is no show 'friday'"):
        refused.result()
    assert (good.result().known, known.result().known) == (False, True)
    with database.begin() as session:
        add_show(session, "friday", "https://pods.example")
    assert not reception.take(arrival("EG_2", show="friday")).result(SOON_S).known


# ---- trouble with the database


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no connection to lose
def test_a_database_that_throws_us_out_is_asked_again(database: Database, reception: Reception) -> None:
    """A connection that breaks in the middle of a batch costs time and nothing else."""
    reception.take(arrival("EG_0")).result(SOON_S)
    once = iter([True])

    def throw_out(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO episode" in statement and next(once, False):
            with database.engine.connect() as other:
                others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                other.execute(text(f"{others} AND pid <> pg_backend_pid()"))

    event.listen(database.engine, "before_cursor_execute", throw_out)
    answers = together(reception, [arrival(f"EG_{n}") for n in range(1, 20)])
    assert not any(answer.result().known for answer in answers)
    assert next(once, None) is None
    assert counts(database) == [20] * 4


def test_while_the_database_is_away_everybody_is_told_and_the_next_goes_on(
    database: Database, reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.reception.PATIENCE_S", 0.2)

    def away(*_: object) -> None:
        raise OperationalError("BEGIN", None, ConnectionError("nobody answers"))

    event.listen(database.durable_engine, "begin", away)
    answers = together(reception, [arrival(f"EG_{n}") for n in range(10)])
    codes = {error.code for answer in answers if isinstance(error := answer.exception(), Hindered)}
    assert codes == {"database_busy"}
    event.remove(database.durable_engine, "begin", away)
    assert not reception.take(arrival("EG_1")).result(SOON_S).known


def test_whatever_breaks_at_the_commit_is_answered(database: Database, reception: Reception) -> None:
    counted = Counted()
    counted.listen(database.durable_engine)
    counted.before = lambda: 1 / 0
    answers = together(reception, [arrival(f"EG_{n}") for n in range(10)])
    counted.before = lambda: None
    assert {type(answer.exception()) for answer in answers} == {Hindered}
    assert counts(database) == [0] * 4
    assert not reception.take(arrival("EG_1")).result(SOON_S).known


def test_who_no_longer_wants_an_answer_before_it_is_his_turn_is_not_taken_in(database: Database, reception: Reception) -> None:
    let_go = busy(reception)
    left, stayed = reception.take(arrival("EG_1")), reception.take(arrival("EG_2"))
    assert left.cancel()
    let_go.set()
    assert stayed.result(SOON_S).run == "EG_2"
    assert counts(database) == [1] * 4


def test_receptions_that_get_the_same_rooms_in_another_order_agree(database: Database, show: Show, bells: Bells) -> None:
    receptions = [Reception(database, RULES, bells.ring) for _ in range(3)]
    rooms = [arrival(f"EG_{n}") for n in range(150)]
    orders = [rooms, rooms[::-1], rooms[75:] + rooms[:75]]
    holds = [busy(reception) for reception in receptions]
    answers = [[reception.take(each) for each in order] for reception, order in zip(receptions, orders, strict=True)]
    for let_go in holds:
        let_go.set()
    told = [answer.result(SOON_S) for each in answers for answer in each]
    assert sum(not accepted.known for accepted in told) == 150
    assert counts(database) == [150] * 4


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_two_that_bring_the_same_rooms_in_another_order_never_wait_in_a_circle(database: Database, show: Show) -> None:
    """Both are stopped by a third that has the middle room: without an order each would hold the one the other still wants."""
    told: list[Accepted | Refused] = []

    def bring(names: str) -> None:
        with database.begin() as session:
            told.extend(accept_all(session, [arrival(f"EG_{name}") for name in names], RULES))

    def both_wait() -> bool:
        with database.read() as session:
            waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
            return session.scalar(waiting) == 2

    with Session(database.engine) as third, ThreadPoolExecutor(2) as hands:
        accept_all(third, [arrival("EG_m")], RULES)
        both = [hands.submit(bring, names) for names in ("amz", "zma")]
        until(both_wait)
        third.rollback()
        assert [each.result(SOON_S) for each in both] == [None, None]
    assert sum(isinstance(answer, Accepted) and not answer.known for answer in told) == 3
    assert counts(database) == [3] * 4
