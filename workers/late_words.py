"""Episodes that stand without words get them by themselves when a recogniser has appeared."""

from dataclasses import replace

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow
from pipeline.transcribe import reason_without_words
from workers import ledger
from workers.house import House
from workers.ledger import Bell, NextJob

log = structlog.get_logger(__name__)


def ask_for_late_words(house: House) -> int:
    """Asks for the words of every episode that has none for want of a recogniser, if one is here now; how many were asked for."""
    if reason_without_words(replace(house.plan.speech, download=False)):
        return 0
    with house.database.begin() as session:
        bells = [bell for row in _wordless(session) for bell in _ask(session, row)]
    house.ring(bells)
    if bells:
        log.info("late_words_asked_for", episodes=len(bells))
    return len(bells)


def _wordless(session: Session) -> list[EpisodeRow]:
    rows = session.scalars(select(EpisodeRow).where(EpisodeRow.state == "complete", EpisodeRow.words.is_not(None)))
    return [row for row in rows if row.words and row.words["engine"] == "none"]


def _ask(session: Session, row: EpisodeRow) -> list[Bell]:
    return ledger.arm(session, NextJob(kind="words"), show_id=row.show_id, recording_id=row.recording_id)
