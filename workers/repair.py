"""What stands is held against what was meant, again and again; where they differ, the job that made it is asked for once more.

    feeds      the etag of every feed against the one that was put: those just published first, the others in turn
    episodes   audio, words and documents, a few episodes at a time: those that publishing left out first, the others in turn

Nothing is put right here: publishing has one writer a show, and a rendition one job. Whatever is being worked on is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from feeds.catalogue import Episode, EpisodeRow, Show, ShowRow, StoredRendition, db_now, episode_of, find_episode, show_of
from feeds.note import Noted, read_note
from feeds.publish import feed_etag, read_words
from pipeline.stores import Stat, Store, mime_type_of
from workers import ledger
from workers.house import House
from workers.ledger import Bell, JobRow, NextJob

log = structlog.get_logger(__name__)

EVERY_S = 60.0
# In one turn; ten thousand shows have all had theirs within half an hour.
FEEDS = 400
EPISODES = 100
HANDS = 8


def distrust(session: Session, show_id: str) -> list[Bell]:
    """Nothing that was noted of the show's files is believed any more, its feed job looks at all of them; the bells to ring."""
    doubted = {"feed_etag": "", "repairs": ShowRow.repairs + 1}
    session.execute(update(ShowRow).where(ShowRow.id == show_id).values(doubted))
    return ledger.arm(session, NextJob(kind="feed"), show_id=show_id, recording_id=None)


# ---- feeds


def repair_feeds(house: House) -> int:
    """Asks for every feed that is not the one that was meant; how many of those that were looked at."""
    with house.database.read() as session:
        meant = {row.id: (row.slug, row.feed_etag) for query in _shows_due() for row in session.execute(query)}
    with ThreadPoolExecutor(HANDS) as hands:
        stand = dict(zip(meant, hands.map(lambda named: feed_etag(house.public, named[0]), meant.values()), strict=True))
    with house.database.begin() as session:
        session.execute(update(ShowRow).where(ShowRow.id.in_(meant)).values(looked_at=db_now()))
        wrong = [show_id for show_id, (_, etag) in meant.items() if stand[show_id] != etag and _is_meant(session, show_id, etag)]
        bells = [bell for show_id in wrong for bell in distrust(session, show_id)]
    for show_id in wrong:
        slug, etag = meant[show_id]
        log.warning("repaired", show=slug, what="feed", stands=stand[show_id], meant=etag, next="every file is looked at again")
    house.ring(dict.fromkeys(bells))
    return len(wrong)


def _shows_due() -> tuple[Select[str, str, str], ...]:
    """The shows that were published since the last turn, and those that have not been looked at for longest."""
    columns = select(ShowRow.id, ShowRow.slug, ShowRow.feed_etag).where(ShowRow.id.not_in(_waiting_feeds()))
    just_now = (JobRow.state == "done") & (JobRow.finished_at > db_now() - 2 * EVERY_S)
    published = columns.join(JobRow, (JobRow.kind == "feed") & (JobRow.subject == ShowRow.id) & just_now)
    return (
        published.order_by(JobRow.finished_at.desc()).limit(FEEDS // 2),
        columns.order_by(ShowRow.looked_at, ShowRow.id).limit(FEEDS // 2),
    )


def _is_meant(session: Session, show_id: str, etag: str) -> bool:
    """Whether that feed is still the one that is meant to stand, and nobody is about to write another."""
    still = select(ShowRow.id).where(ShowRow.id == show_id, ShowRow.feed_etag == etag, ShowRow.id.not_in(_waiting_feeds()))
    return session.scalar(still) is not None


def _waiting_feeds() -> Select[str]:
    return select(JobRow.subject).where(JobRow.kind == "feed", JobRow.state.in_(("ready", "running")))


# ---- episodes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """What of an episode does not lie in the stores as it is written down."""

    audio: tuple[str, ...]
    words: tuple[str, ...]
    documents: tuple[str, ...]
    # it stands in its show's feed, or has pages
    told: bool

    @property
    def keys(self) -> tuple[str, ...]:
        return self.audio + self.words + self.documents


def repair_episodes(house: House) -> int:
    """Asks for the jobs that made what is lost of the episodes whose turn it is; how many of them have lost something."""
    with house.database.read() as session:
        rows = session.scalars(_episodes_due()).all()
        due = [(show_of(row.show), episode_of(row)) for row in rows]
    notes = {show.slug: _noted(house.private, show) for show in {show.id: show for show, _ in due}.values()}
    with ThreadPoolExecutor(HANDS) as hands:
        found = list(hands.map(lambda one: _lost(house, one[1], notes[one[0].slug].get(one[1].slug)), due))
    asked = []
    with house.database.begin() as session:
        session.execute(update(EpisodeRow).where(EpisodeRow.guid.in_([e.guid for _, e in due])).values(looked_at=db_now()))
        for (show, episode), lost in zip(due, found, strict=True):
            if lost.keys and _is_quiet(session, show, episode):
                asked.append((episode, lost, _ask_again(session, show, episode, lost)))
    for episode, lost, bells in asked:
        _say(episode, lost, asked=bool(bells))
        house.ring(dict.fromkeys(bells))
    return len(asked)


def _episodes_due() -> Select[EpisodeRow]:
    has_files = EpisodeRow.state.in_(("audible", "complete"))
    return select(EpisodeRow).where(has_files).order_by(EpisodeRow.looked_at, EpisodeRow.guid).limit(EPISODES)


def _noted(private: Store, show: Show) -> Mapping[str, Noted]:
    note = read_note(private, show)
    return note.episodes if note else {}


def _lost(house: House, episode: Episode, noted: Noted | None) -> _Lost:
    store = house.store_of(episode)
    audio = tuple(rendition.key for rendition in episode.renditions if not stands(store.stat(rendition.key), rendition))
    words = (episode.words_key,) if episode.words_key and read_words(house.private, episode) is None else ()
    documents = _lost_documents(house.public, episode, noted) if noted and noted.fingerprint else ()
    return _Lost(audio=audio, words=words, documents=documents, told=bool(noted and noted.fingerprint))


def _lost_documents(public: Store, episode: Episode, noted: Noted) -> tuple[str, ...]:
    """Those that are not there or of another type; all of them when only their size together is not what it was."""
    stats = {key: public.stat(key) for key in (episode.prefix + name for name in noted.files)}
    lost = tuple(key for key, stat in stats.items() if stat is None or stat.mime_type != mime_type_of(key))
    whole = sum(stat.size_bytes for stat in stats.values() if stat) == noted.size_bytes
    return lost or (() if whole else tuple(stats))


def stands(stat: Stat | None, meant: StoredRendition) -> bool:
    """Whether it is the very file that is meant; a store that cannot tell the bytes is asked for their number alone."""
    about = stat and (stat.size_bytes, stat.mime_type, stat.sha256 or meant.sha256)
    return about == (meant.size_bytes, meant.mime_type, meant.sha256)


def _is_quiet(session: Session, show: Show, episode: Episode) -> bool:
    """Whether nothing of it has changed meanwhile or is about to."""
    mine = (JobRow.recording_id == episode.recording_id) | ((JobRow.kind == "feed") & (JobRow.subject == show.id))
    at_work = session.scalar(select(JobRow.id).where(mine, JobRow.state.in_(("ready", "running"))).limit(1))
    return at_work is None and find_episode(session, episode.guid) == episode


def _ask_again(session: Session, show: Show, episode: Episode, lost: _Lost) -> list[Bell]:
    """The bells to ring; none when the job that made it has failed since, which a person is told of."""
    kinds: Sequence[str] = ("audio",) if lost.audio else ("words",) if lost.words else ()
    done = JobRow.kind.in_(kinds) & (JobRow.recording_id == episode.recording_id) & (JobRow.state == "done")
    bells = [bell for kind in session.scalars(select(JobRow.kind).where(done)) for bell in _arm(session, kind, show, episode)]
    if lost.told and (lost.audio or lost.documents):
        return bells + distrust(session, show.id)
    if bells:
        session.execute(update(ShowRow).where(ShowRow.id == show.id).values(repairs=ShowRow.repairs + 1))
    return bells


def _arm(session: Session, kind: str, show: Show, episode: Episode) -> Iterable[Bell]:
    job = NextJob(kind="audio" if kind == "audio" else "words")
    return ledger.arm(session, job, show_id=show.id, recording_id=episode.recording_id)


def _say(episode: Episode, lost: _Lost, *, asked: bool) -> None:
    about = {"recording": episode.recording_id, "show": episode.show_slug, "episode": episode.slug, "lost": list(lost.keys)}
    if asked:
        log.warning("repaired", what="files", **about, next="made again by the job that made them")
    else:
        log.error("lost", **about, next="its job has failed: look at its run, and retry it")
