"""What a trial leaves behind for its checker to look at: rows, both stores, scratch, logs, sources, and what readers saw."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.trial.reader import History
from feeds.catalogue import Episode, EpisodeRow, Show, episodes, json_of, shows
from pipeline.stores import Store
from workers import ledger
from workers.house import House
from workers.ledger import AttemptRow, InboxRow, JobRow, RecordingRow, Run

# What publishing remembers for itself speaks of times, and may be lost.
NOTE = "/published.json"
# When its newest episode entered a feed; no other time of ours is in anything that is published.
FEED, BUILT = "/feed.xml", re.compile(rb"<lastBuildDate>[^<]*</lastBuildDate>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Everything that must be the same however often somebody died on the way."""

    episodes: Sequence[Any]
    jobs: Sequence[Any]
    revisions: Sequence[Any]
    # sha256 by key
    public: Mapping[str, str]
    private: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A trial that has come to rest."""

    house: House
    # ids of the recordings whose platform was answered 2xx
    acknowledged: Collection[str] = ()
    # ids of recordings that cannot become an episode, such as one without audio; all the others can
    bad: Collection[str] = ()
    # ids of recordings that somebody cancelled, or whose worker was killed time and again
    ended: Collection[str] = ()
    # sha256 of every source file before the trial, by its path
    sources: Mapping[Path, str] = field(default_factory=dict)
    # seconds each recording truly has
    seconds_in: Mapping[str, float] = field(default_factory=dict)
    histories: Sequence[History] = ()
    # how a trial without any disturbance ended
    undisturbed: Ending | None = None
    # words that may be in no public byte: of private rooms, of voices that refused
    hidden: Collection[str] = ()
    # files that were written as logs
    logs: Collection[Path] = ()
    # what creators wrote, by guid: the columns of `edits`
    written: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # titles as the room gave them, by recording id
    titles: Mapping[str, str] = field(default_factory=dict)
    # scratch folders of all hosts; the house's own when empty
    scratches: Collection[Path] = ()
    # somebody turned the database's clock: the order of its times tells nothing
    clock_moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the database says, at one moment."""

    recordings: Mapping[str, RecordingRow]
    inbox: Sequence[InboxRow]
    runs: Mapping[str, Run]
    jobs: Mapping[int, JobRow]
    attempts: Mapping[int, Sequence[AttemptRow]]
    shows: Mapping[str, Show]
    episodes: Sequence[Episode]
    # what creators wrote, by guid
    edits: Mapping[str, Mapping[str, Any]]


def rows_of(house: House) -> Rows:
    """Every row the checker looks at."""
    with house.database.read() as session:
        recordings = {row.id: row for row in session.scalars(select(RecordingRow))}
        attempts: dict[int, list[AttemptRow]] = {}
        for attempt in session.scalars(select(AttemptRow).order_by(AttemptRow.job_id, AttemptRow.fence)):
            attempts.setdefault(attempt.job_id, []).append(attempt)
        return Rows(
            recordings=recordings, inbox=session.scalars(select(InboxRow)).all(),
            runs={run.id: run for run in ledger.these(session, recordings.keys())},
            jobs={row.id: row for row in session.scalars(select(JobRow).order_by(JobRow.id))}, attempts=attempts,
            shows={show.slug: show for show in shows(session)}, episodes=episodes(session),
            edits={row.guid: row.edits for row in session.scalars(select(EpisodeRow))},
        )  # fmt: skip


def ending_of(house: House) -> Ending:
    """How the trial in that house ended."""
    rows = rows_of(house)
    slugs = {show.id: show.slug for show in rows.shows.values()}
    return Ending(
        episodes=sorted((_end_of(episode) for episode in rows.episodes), key=lambda e: e["guid"]),
        jobs=sorted((job.kind, slugs.get(job.subject, job.subject), job.state, job.error) for job in rows.jobs.values()),
        revisions=sorted((show.slug, show.feed_rev - show.published_rev) for show in rows.shows.values()),
        public=contents(house.public), private=contents(house.private),
    )  # fmt: skip


def contents(store: Store) -> dict[str, str]:
    """The sha256 of everything that lies there, but for the notes of publishing; a feed without the time it speaks of itself."""
    return {key: _digest(key, store.get(key) or b"") for key in store.keys("") if not key.endswith(NOTE)}


def _digest(key: str, content: bytes) -> str:
    told = BUILT.sub(b"", content) if key.endswith(FEED) else content
    return hashlib.sha256(told).hexdigest()


def leftovers(store: Store) -> tuple[str, ...]:
    """Uploads that were begun and neither completed nor given up."""
    if root := getattr(store, "root", None):
        parts = Path(root) / ".aircheck" / "parts"
        return tuple(sorted(path.name for path in parts.iterdir())) if parts.is_dir() else ()
    client, bucket, prefix = store._client, store._bucket, store._prefix  # type: ignore[attr-defined]
    begun = client.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", ())
    return tuple(sorted(upload["Key"] for upload in begun))


def _end_of(episode: Episode) -> dict[str, Any]:
    """The episode without the times at which things happened to it."""
    told: dict[str, Any] = json_of(episode)
    return {**told, "created_at": "", "published_at": "" if episode.published_at else None}
