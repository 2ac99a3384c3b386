"""A room that ended long ago and cannot be heard yet is told of, once, with its reason, until it can be heard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes_house import a_house
from sqlalchemy import select, update
from structlog.testing import capture_logs

from feeds.catalogue import EpisodeRow, db_now
from pipeline.errors import Broken, Hindered, Refused
from workers import ledger
from workers.alarms import LATE_ROOMS, alarm
from workers.database import Database
from workers.desk import Desk
from workers.house import House
from workers.intake import Accepted
from workers.ledger import MAX_TRIES, HandsRow, JobRow, RecordingRow
from workers.ledger.overdue import overdue, overdue_by_cause
from workers.ledger.reasons import CAUSES

Send = Callable[..., Accepted]
LONG_S = 3600.0
OPERATOR = {"limits": {"overdue_s": LONG_S}, "mail": {"host": "127.0.0.1", "operator": "ops@example.org"}}


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return a_house(database, tmp_path, **OPERATOR)


@pytest.fixture
def ended_long_ago(database: Database, send: Send) -> Callable[..., str]:
    """A room whose event came two hours before the others'."""

    def ended(recording_id: str = "EG_1", **changed: Any) -> str:
        send(recording_id, **changed)
        earlier = update(RecordingRow).where(RecordingRow.id == recording_id).values(received_at=db_now() - 2 * LONG_S)
        with database.begin() as session:
            session.execute(earlier)
        return recording_id

    return ended


def works_at(database: Database, queue: str) -> None:
    with database.begin() as session:
        session.add(HandsRow(owner="somebody", queue=queue, count=1, until=4e9))


def ends(database: Database, error: BaseException) -> None:
    """The next audio job is claimed and ends that badly."""
    with database.begin() as session:
        claim = ledger.claim(session, "audio", "somebody")
        assert claim
        ledger.hinder(session, claim, error) if isinstance(error, Hindered) else ledger.fail(session, claim, error)


def why(database: Database) -> tuple[str, str, str]:
    with database.read() as session:
        [room] = overdue(session, LONG_S)
    return room.standing.cause, room.standing.said, room.standing.next


def mail_jobs(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(JobRow).where(JobRow.kind == "notify", JobRow.subject == LATE_ROOMS)).all())


def test_a_late_room_is_told_once(database: Database, house: House, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_1")
    with capture_logs() as lines:
        assert [alarm(house), alarm(house), alarm(house)] == [1, 0, 0]
    [line] = lines
    assert (line["event"], line["log_level"], line["cause"]) == ("overdue", "error", "unmanned")
    assert mail_jobs(database) == 1


def test_a_room_that_has_just_ended_is_not_late(house: House, send: Send) -> None:
    send()
    assert alarm(house) == 0


def test_once_it_can_be_heard_nobody_speaks_of_it(database: Database, house: House, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago()
    alarm(house)
    with database.begin() as session:
        assert len(overdue(session, LONG_S, alarmed=True)) == 1
        session.execute(update(EpisodeRow).values(state="audible"))
        assert overdue(session, LONG_S) == ()


def test_what_somebody_put_aside_raises_no_alarm(database: Database, house: House, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_1")
    ends(database, Refused("there is no audio in it", code="no_audio"))
    ended_long_ago("EG_2", show="nowhere")
    with database.begin() as session:
        assert ledger.cancel(session, "EG_1") and ledger.cancel(session, "EG_2")
        assert not ledger.cancel(session, "EG_2")
    assert alarm(house) == 0


def test_a_held_room_that_was_put_aside_can_be_taken_up_again(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_2", show="nowhere")
    with database.begin() as session:
        ledger.cancel(session, "EG_2")
        assert ledger.retry(session, "EG_2") == ()
    assert why(database)[0] == "held"


def test_a_flood_of_late_rooms_is_one_mail(database: Database, house: House, ended_long_ago: Callable[..., str]) -> None:
    for n in range(120):
        ended_long_ago(f"EG_{n}")
    with capture_logs() as lines:
        assert alarm(house) == 120
    assert mail_jobs(database) == 1
    assert lines[-1]["event"] == "many_overdue" and lines[-1]["rooms"] == 120


def test_the_next_mail_waits_for_a_while(database: Database, house: House, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_1")
    alarm(house)
    with database.begin() as session:
        claim = ledger.claim(session, "publish", "somebody")
        assert claim and claim.kind == "notify"
        ledger.finish(session, claim)
    ended_long_ago("EG_2")
    assert alarm(house) == 1
    with database.begin() as session:
        assert ledger.claim(session, "publish", "somebody") is None
        waits_s = session.scalar(select(JobRow.next_at - db_now()).where(JobRow.kind == "notify"))
    assert waits_s and 1000 < waits_s <= 1800


def test_without_an_operator_nobody_is_written_to(database: Database, tmp_path: Path, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago()
    assert alarm(a_house(database, tmp_path, limits={"overdue_s": LONG_S})) == 1
    assert mail_jobs(database) == 0


# ---- the reason


def test_a_held_room_says_what_it_waits_for(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_1", show="nowhere")
    assert why(database) == ("held", "There is no show 'nowhere'.", "`aircheck show add nowhere` makes it.")


def test_a_room_at_a_queue_where_nobody_works_says_so(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago()
    assert why(database)[:2] == ("unmanned", "Nobody works at the queue audio.")


def test_a_room_that_waits_its_turn_or_is_at_work_says_so(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago()
    works_at(database, "audio")
    assert why(database)[0] == "waiting"
    with database.begin() as session:
        ledger.claim(session, "audio", "somebody")
    assert why(database)[:2] == ("working", "The audio job is at work.")


def test_a_paused_queue_is_named_with_what_ends_the_pause(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago()
    with database.begin() as session:
        ledger.pause(session, "audio")
    assert why(database) == ("paused", "The queue audio is paused.", "To go on with it: `aircheck pause audio --resume`.")


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        (Refused("there is no audio in it", code="no_audio"), "failed", "There is no audio in it."),
        (Broken("ffmpeg ended with status 1"), "failing", "Ffmpeg ended with status 1."),
        (Hindered("the store is away", code="store_away"), "hindered", "The store is away."),
    ],
)
def test_a_room_whose_work_ended_badly_says_why(
    database: Database, ended_long_ago: Callable[..., str], error: BaseException, cause: str, said: str
) -> None:
    ended_long_ago()
    works_at(database, "audio")
    ends(database, error)
    assert why(database)[:2] == (cause, said)


def test_late_rooms_are_counted_by_cause(database: Database, ended_long_ago: Callable[..., str]) -> None:
    ended_long_ago("EG_1", show="nowhere")
    ended_long_ago("EG_2")
    ends(database, Refused("there is no audio in it", code="no_audio"))
    ended_long_ago("EG_3")
    with database.read() as session:
        counted = overdue_by_cause(session, LONG_S)
    assert set(counted) == set(CAUSES)
    assert {cause: n for cause, n in counted.items() if n} == {"held": 1, "failed": 1, "unmanned": 1}


# ---- what the studio is told


def test_the_studio_is_told_after_the_alarm_and_until_it_can_be_heard(
    database: Database, house: House, ended_long_ago: Callable[..., str]
) -> None:
    ended_long_ago("EG_1", title="Tuesday talk")
    desk = Desk(house=house)
    assert desk.late() == ()
    alarm(house)
    [room] = desk.late()
    assert (room.recording_id, room.name, room.show_slug) == ("EG_1", "Tuesday talk", "tuesday")
    assert room.said == "Nobody works at the queue audio." and room.episode and not room.retryable
    with database.begin() as session:
        session.execute(update(EpisodeRow).values(state="audible"))
    assert desk.late() == ()


def test_the_studio_offers_another_try_only_where_it_can_help(
    database: Database, house: House, ended_long_ago: Callable[..., str]
) -> None:
    ended_long_ago("EG_1")
    ends(database, Refused("there is no audio in it", code="no_audio"))
    ended_long_ago("EG_2")
    with database.begin() as session:
        session.execute(update(JobRow).where(JobRow.subject == "EG_2").values(tries=MAX_TRIES - 1))
    ends(database, Broken("ffmpeg ended with status 1"))
    alarm(house)
    assert {room.recording_id: room.retryable for room in Desk(house=house).late()} == {"EG_1": False, "EG_2": True}
