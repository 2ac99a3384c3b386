"""A recording that lies nowhere but with strangers is kept as it came, for the days that its show or the installation says.

What lies on this machine, below a folder that the operator named, stays the platform's: it is neither copied nor deleted.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, KeptFile, Original, Show, db_now, episode_of, json_of, show_of
from pipeline.models import Fetched
from workers.fetch import lies_here
from workers.house import House
from workers.job import Job

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
CACHE = "private, no-store"


def days_of(house: House, show: Show) -> int:
    """How many days a show's recordings are kept; 0: not at all."""
    said = show.audio.originals_days
    return house.settings.audio.originals_days if said is None else said


def keep(job: Job, fetched: Sequence[Fetched]) -> None:
    """Keep the files as they came, once, where they would else be gone with scratch."""
    wanted = job.episode.original is None and days_of(job.house, job.show) > 0
    if not wanted or all(lies_here(job.root, one.source) for one in fetched):
        return
    files = tuple(_kept(job, n, one) for n, one in enumerate(fetched))
    job.house.database.patiently(partial(_note, guid=job.guid, files=files))


def _kept(job: Job, number: int, fetched: Fetched) -> KeptFile:
    made, key = fetched.file, f"{job.episode.prefix}original/{number:03}"
    job.heart.must_hold()
    job.house.private.put(key, made.path, mime_type="application/octet-stream", cache_control=CACHE)
    return KeptFile(path=fetched.source.path, key=key, size_bytes=made.size_bytes, sha256=made.sha256)


def _note(session: Session, *, guid: str, files: tuple[KeptFile, ...]) -> None:
    now = session.scalar(select(db_now())) or 0.0
    _write(session, guid=guid, original=Original(files=files, kept_at=now))


def _write(session: Session, *, guid: str, original: Original) -> None:
    session.execute(update(EpisodeRow).where(EpisodeRow.guid == guid).values(original=json_of(original)))


# ---- an end


def forget_originals(house: House) -> int:
    """Delete what has been kept for as long as it shall be; how many recordings. What was deleted, and when, stays written down."""
    with house.database.read() as session:
        now = session.scalar(select(db_now())) or 0.0
        rows = session.scalars(select(EpisodeRow).where(EpisodeRow.original.is_not(None))).all()
        found = [(row.guid, episode_of(row).original, days_of(house, show_of(row.show))) for row in rows if row.original]
    due = [(guid, kept) for guid, kept, days in found if kept and kept.gone_at is None and kept.kept_at + days * DAY_S < now]
    for guid, kept in due:
        for file in kept.files:
            house.private.delete(file.key)
        house.database.patiently(partial(_write, guid=guid, original=replace(kept, gone_at=now)))
        log.info("original_deleted", episode=guid, files=len(kept.files), next="nothing: it was kept as long as it should be")
    return len(due)
