"""What each kind of job does, between the ledger's claim and its commit.

    audio   fetch ─> the story's sound ─> upload      the episode can be heard
    words   fetch ─> the story's words ─> upload      the episode is complete
    feed    rows ─> the show's files in its store
    notify  rows ─> a mail

A body works outside any transaction and answers with an `Outcome`: effects for the finishing transaction, and what follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import case, update
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, Show, ShowRow, db_now, episodes, json_of, show_of
from feeds.publish import Published, feed_etag, publish
from pipeline import story
from pipeline.models import Chapter, Rendition, Sound, Transcript
from pipeline.stores import Overtaken
from workers.heart import Heart, Lapsed
from workers.house import House
from workers.job import Job, in_scratch, words_info
from workers.ledger import Claim, NextJob
from workers.notify import notify
from workers.repair import distrust
from workers.work_loop import Outcome, Perform

log = structlog.get_logger(__name__)


def bodies(house: House) -> Mapping[str, Perform]:
    """The body of every kind of job, for the workers of that house."""
    return {
        "audio": in_scratch(house, audio),
        "words": in_scratch(house, words),
        "feed": lambda claim, heart: feed(house, claim, heart),
        "notify": lambda claim, heart: notify(house, claim, heart),
    }


def audio(job: Job) -> Outcome:
    """Make the episode audible; its words are another job."""
    timeline, heard = story.hear(job.recording, job.fetched(), job.plan, job.shop)
    sound, verified = story.sound(timeline, heard, job.plan, job.shop)
    return audible(job, sound, verified, story.chapters(job.recording, timeline, job.plan))


def audible(job: Job, sound: Sound, renditions: Sequence[Rendition], chapters: Sequence[Chapter]) -> Outcome:
    """The sound that was made becomes what listeners get: stamped, stored, and published with the commit.

    An episode that is complete already stays so: sound that is made again takes nothing from a listener, and is the same bytes.
    """
    known = replace(job.episode, state="audible", sound=sound, words=None, chapters=tuple(chapters))
    stamped = job.stamped(tuple(renditions), known)
    if job.episode.state == "complete":
        known = replace(job.episode, sound=sound)
        stamped = job.stamped(stamped, known)  # over what was there when its words came, as they did
    stored = job.send(stamped)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(
            session,
            state=known.state,
            sound=json_of(sound),
            chapters=json_of(known.chapters),
            published_at=job.publishes_at(db_now()),
        )

    return Outcome(apply=apply, follow=(NextJob(kind="words"),), feed_changed=True, timings=job.shop.timings_s)


def words(job: Job) -> Outcome:
    """Make the episode complete: words, chapters, both inside the files as well."""
    timeline, heard = story.hear(job.recording, job.fetched(), job.plan, job.shop)
    return complete(job, *story.words(job.recording, timeline, heard, job.plan, job.shop))


def complete(job: Job, transcript: Transcript, chapters: Sequence[Chapter]) -> Outcome:
    """The words that were heard join the episode: in its files, in the private store, and with the commit in its pages."""
    known = replace(job.episode, words=words_info(transcript), chapters=tuple(chapters))
    stored = job.send(job.stamped(job.stored_renditions(), known))
    words_key = job.keep_words(transcript)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(session, state="complete", words=json_of(known.words), words_key=words_key, chapters=json_of(known.chapters))

    return Outcome(apply=apply, feed_changed=True, timings=job.shop.timings_s, after=job.clear)


def feed(house: House, claim: Claim, heart: Heart) -> Outcome:
    """Bring a show's public files up to its rows, and write down which feed was meant."""
    heart.progress("publish", 0.0)
    try:
        show, repairs, published = _published(house, claim.subject, heart)
    except Lapsed:  # we may have put something old over something newer
        house.database.patiently(lambda session: distrust(session, claim.subject))
        raise
    for left_out in published.quarantined:
        log.warning("quarantined", episode=left_out.slug, why=left_out.why, next="the rest is published")
    heart.progress("publish", 1.0)
    return Outcome(apply=lambda session: _write_down(session, show, repairs, published))


def _published(house: House, show_id: str, heart: Heart, *, again: int = 2) -> tuple[Show, int, Published]:
    """The show as it was published, and how often it had been repaired until then; overtaken, it is published again."""
    try:
        return _publish_once(house, show_id, heart)
    except Overtaken as overtaken:
        if not again:
            raise
        log.info("overtaken", why=str(overtaken))
        return _published(house, show_id, heart, again=again - 1)


def _publish_once(house: House, show_id: str, heart: Heart) -> tuple[Show, int, Published]:
    """What stands is looked at before the rows are read: so nothing is overwritten that is newer than they are."""
    with house.database.read() as session:
        slug = session.get_one(ShowRow, show_id).slug
    over = feed_etag(house.public, slug)
    with house.database.read() as session:
        row = session.get_one(ShowRow, show_id)
        show, repairs, rows = show_of(row), row.repairs, episodes(session, slug)
    in_doubt = not row.feed_etag and row.published_rev > 0
    published = publish(
        show, rows, public=house.public, private=house.private, site=house.site, over=over, must_hold=heart.must_hold,
        force=in_doubt,
    )  # fmt: skip
    heart.must_hold()
    return show, repairs, published


def _write_down(session: Session, show: Show, repairs: int, published: Published) -> None:
    """What stands is what was meant, unless it has come to be doubted meanwhile; who was left out is looked at next."""
    etag = case((ShowRow.repairs == repairs, published.feed_etag), else_="")
    session.execute(update(ShowRow).where(ShowRow.id == show.id).values(published_rev=show.feed_rev, feed_etag=etag))
    left_out = [one.slug for one in published.quarantined]
    session.execute(update(EpisodeRow).where(EpisodeRow.show_id == show.id, EpisodeRow.slug.in_(left_out)).values(looked_at=0.0))
