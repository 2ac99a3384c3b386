"""Sound that is asked for once more goes before the words of the same recording, on both databases."""

import pytest
from claiming import Send, claimed, finished, job, perhaps_claimed
from sqlalchemy import select

from pipeline.errors import Broken
from workers import ledger
from workers.database import Database
from workers.ledger import Bell, Claim, Fenced, NextJob
from workers.ledger.figures import ready_by_queue


def make_again(database: Database, run: str = "EG_1") -> tuple[Bell, ...]:
    with database.begin() as session:
        return ledger.make_again(session, run)


@pytest.fixture
def words(database: Database, send: Send) -> Claim:
    """Words that somebody is at, of sound that is there."""
    send()
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    return claimed(database, "words")


def test_words_at_work_give_way_and_go_on_after_the_sound(database: Database, words: Claim) -> None:
    assert make_again(database) == (Bell(queue="audio"),)
    waiting = job(database, "words")
    assert (waiting.state, waiting.tries) == ("ready", 0)
    assert perhaps_claimed(database, "words") is None
    sound = claimed(database)
    assert perhaps_claimed(database, "words") is None
    finished(database, sound)
    again = claimed(database, "words")
    assert again.fence > words.fence
    with database.read() as session:
        assert [attempt.outcome for attempt in ledger.attempts(session, words.id)] == ["given_back", ""]


def test_what_the_words_came_to_counts_for_nothing_once_they_gave_way(database: Database, words: Claim) -> None:
    make_again(database)
    with pytest.raises(Fenced):
        finished(database, words)


def test_words_of_other_recordings_go_on_meanwhile(database: Database, send: Send, words: Claim) -> None:
    send("EG_2")
    finished(database, claimed(database), follow=(NextJob(kind="words"),))
    make_again(database)
    assert claimed(database, "words").subject == "EG_2"


def test_words_that_must_wait_ring_no_bell(database: Database, words: Claim) -> None:
    make_again(database)
    with database.read() as session:
        assert ready_by_queue(session) == {("audio",): 1, ("words",): 0, ("publish",): 0}


def test_sound_that_failed_for_good_keeps_nobody_waiting(database: Database, words: Claim) -> None:
    make_again(database)
    for _ in range(ledger.MAX_TRIES):
        with database.begin() as session:
            session.execute(ledger.JobRow.__table__.update().values(next_at=0.0))
            sound = ledger.claim(session, "audio", "somebody")
            assert sound
            ledger.fail(session, sound, Broken("no luck"))
    assert claimed(database, "words").subject == "EG_1"
    with database.begin() as session:
        ledger.retry(session, "EG_1")
        assert ledger.claim(session, "words", "somebody") is None
        assert session.scalar(select(ledger.JobRow.state).where(ledger.JobRow.kind == "words")) == "ready"


def test_sound_that_is_being_made_is_made_once_more(database: Database, send: Send) -> None:
    send()
    sound = claimed(database)
    assert make_again(database) == ()
    finished(database, sound, follow=(NextJob(kind="words"),))
    assert perhaps_claimed(database, "words") is None
    assert claimed(database).subject == "EG_1"
