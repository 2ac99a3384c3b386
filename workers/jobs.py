"""What each kind of job does, between the ledger's claim and its commit.

    audio   fetch ─> the story's sound ─> upload      the episode can be heard
    words   fetch ─> the story's words ─> upload      the episode is complete
    feed    rows ─> the show's files in its store

A body works outside any transaction and answers with an `Outcome`: effects for the finishing transaction, and what follows.
"""

from collections.abc import Mapping
from dataclasses import replace

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from feeds.catalogue import ShowRow, db_now, episodes, json_of, show_by_id
from feeds.publish import publish
from pipeline import story
from workers.heart import Heart
from workers.house import House
from workers.job import Job, open_job, words_info
from workers.ledger import Claim, NextJob
from workers.work_loop import Outcome, Perform

log = structlog.get_logger(__name__)


def bodies(house: House) -> Mapping[str, Perform]:
    """The body of every kind of job, for the workers of that house."""
    return {
        "audio": lambda claim, heart: audio(open_job(house, claim, heart)),
        "words": lambda claim, heart: words(open_job(house, claim, heart)),
        "feed": lambda claim, heart: feed(house, claim, heart),
    }


def audio(job: Job) -> Outcome:
    """Make the episode audible; its words are another job."""
    timeline, heard = story.hear(job.recording, job.fetched(), job.plan, job.shop)
    sound, verified = story.sound(timeline, heard, job.plan, job.shop)
    known = replace(job.episode, sound=sound, chapters=story.chapters(job.recording, timeline, job.plan))
    stored = job.send(job.stamped(verified, known))

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(
            session,
            state="audible",
            sound=json_of(sound),
            chapters=json_of(known.chapters),
            published_at=job.publishes_at(db_now()),
        )

    return Outcome(apply=apply, follow=(NextJob(kind="words"),), feed_changed=True, timings=job.shop.timings_s)


def words(job: Job) -> Outcome:
    """Make the episode complete: words, chapters, both inside the files as well."""
    timeline, heard = story.hear(job.recording, job.fetched(), job.plan, job.shop)
    transcript, chapters = story.words(job.recording, timeline, heard, job.plan, job.shop)
    known = replace(job.episode, words=words_info(transcript), chapters=chapters)
    stored = job.send(job.stamped(job.stored_renditions(), known))
    words_key = job.keep_words(transcript)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(session, state="complete", words=json_of(known.words), words_key=words_key, chapters=json_of(chapters))

    return Outcome(apply=apply, feed_changed=True, timings=job.shop.timings_s, after=job.clear)


def feed(house: House, claim: Claim, heart: Heart) -> Outcome:
    """Bring a show's public files up to its rows."""
    heart.progress("publish", 0.0)
    with house.database.read() as session:
        show = show_by_id(session, claim.subject)
        assert show, "a feed job has a show"
        rows = episodes(session, show.slug)
    published = publish(show, rows, public=house.public, private=house.private, site=house.site)
    for left_out in published.quarantined:
        log.warning("quarantined", show=show.slug, episode=left_out.slug, why=left_out.why, next="the rest is published")
    heart.progress("publish", 1.0)

    def apply(session: Session) -> None:
        session.execute(update(ShowRow).where(ShowRow.id == show.id).values(published_rev=show.feed_rev))

    return Outcome(apply=apply)
