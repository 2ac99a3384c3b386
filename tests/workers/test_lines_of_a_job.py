"""Whatever is written during a job says whose it is: our own lines, a library's, those of the heart and of the end."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from fakes_work import until
from sqlalchemy import select

from feeds.catalogue import ShowRow
from pipeline.errors import Broken, Hindered, Refused, Stopped, ToolFailed
from workers import ledger
from workers.database import Database
from workers.heart import Heart
from workers.intake import Accepted
from workers.ledger import Claim, Progress
from workers.logs import set_up
from workers.work_loop import Outcome, Perform, WorkLoop

Send = Callable[..., Accepted]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of this process, as a machine reads them."""
    root = logging.getLogger()
    handlers, level, out = root.handlers[:], root.level, io.StringIO()
    set_up(stream=out, as_json=True)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def work_one(database: Database, body: Perform) -> WorkLoop:
    loop = WorkLoop(database, {"audio": body, "feed": body}, ring=lambda _bell: None)
    assert loop.work_one("audio")
    return loop


def talkative(error: Exception | None) -> Perform:
    def body(_claim: Claim, heart: Heart) -> Outcome:
        structlog.get_logger("ours").info("levelled", voices=3)
        logging.getLogger("a.library").warning("it is late")
        if isinstance(error, Stopped):
            heart.stop.set()
        if error:
            raise error
        return Outcome(timings={"encode": 1.0})

    return body


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (None, "done"), (Refused("no audio"), "refused"), (Broken("it broke"), "failed"), (ValueError("surprise"), "failed"),
        (Hindered("the store is away"), "hindered"), (Stopped("asked to"), "given_back"),
    ],
)  # fmt: skip
def test_every_line_of_a_job_says_whose_it_is(
    database: Database, send: Send, written: Callable[[], list[dict[str, Any]]], error: Exception | None, event: str
) -> None:
    send("EG_1")
    work_one(database, talkative(error))
    with database.read() as session:
        show_id = session.scalar(select(ShowRow.id))
    lines = written()
    assert [line["event"] for line in lines] == ["levelled", "it is late", event]
    for line in lines:
        assert (line["recording"], line["job"], line["fence"], line["show"]) == ("EG_1", "audio", 1, show_id), line


def test_what_a_program_said_before_it_ended_badly_is_in_the_line(
    database: Database, send: Send, written: Callable[[], list[dict[str, Any]]]
) -> None:
    send("EG_1")
    work_one(database, talkative(ToolFailed("ffmpeg ended with status 1", said="Invalid data found\nConversion failed!")))
    assert "Invalid data found" in written()[-1]["said"]


def test_the_next_line_is_nobodys_again(database: Database, send: Send, written: Callable[[], list[dict[str, Any]]]) -> None:
    send("EG_1")
    work_one(database, talkative(None))
    structlog.get_logger().info("serving")
    assert "recording" not in written()[-1] and "fence" not in written()[-1]


def test_a_feed_job_names_its_show(database: Database, send: Send, written: Callable[[], list[dict[str, Any]]]) -> None:
    send("EG_1")
    with database.begin() as session:
        show_id = session.scalars(select(ShowRow.id)).one()
        ledger.feed_changed(session, show_id)
    loop = WorkLoop(database, {"feed": talkative(None)}, ring=lambda _bell: None)
    assert loop.work_one("publish")
    assert {(line["job"], line["show"]) for line in written()} == {("feed", show_id)}


def test_the_heart_speaks_for_its_job(database_url: str, written: Callable[[], list[dict[str, Any]]]) -> None:
    def missed(_progress: Progress) -> bool:
        raise ValueError("a surprise")

    heart = Heart()
    with structlog.contextvars.bound_contextvars(recording="EG_1"), heart.beating(missed, 0.2):
        until(lambda: bool(written()))
    assert {(line["event"], line["recording"]) for line in written()} == {("heart_missed", "EG_1")}
