"""What a room says of itself stands in no line of the log: the room may be private, and nobody erases a log."""

import pytest
from fakes_rooms import a_room
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from feeds.catalogue import Show
from workers import watching
from workers.database import Database
from workers.intake import IntakeRules
from workers.reception import Reception
from workers.rooms import Gathered

HUSH = "Umbrageous"
RULES = IntakeRules(public_url="https://pods.example", unknown_show="refuse")


@pytest.mark.parametrize(("slug", "event"), [("tuesday", "accepted"), ("monday", "not_taken")])
def test_a_room_that_landed_is_told_by_its_id(database: Database, show: Show, slug: str, event: str) -> None:
    gathered = Gathered(recording=a_room("EG_1", name=HUSH, title=HUSH, description=HUSH), root="/rooms")
    with capture_logs() as logs:
        watching._take(Reception(database, RULES, lambda bells: None), gathered, slug)
    (line,) = logs
    assert (line["event"], line["recording"]) == (event, "EG_1")
    assert HUSH not in str(line)


def test_a_statement_that_fails_is_told_without_its_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as failed, database.begin() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:title)"), {"title": HUSH})
    assert "nowhere" in str(failed.value)
    assert HUSH not in str(failed.value)
