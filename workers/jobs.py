"""What each kind of job does, between the ledger's claim and its commit.

    audio   fetch ─> the story's sound ─> upload      the episode can be heard
    words   fetch ─> the story's words ─> upload      the episode is complete
    feed    rows ─> the show's files in its store
    notify  rows ─> a mail

A body works outside any transaction and answers with an `Outcome`: effects for the finishing transaction, and what follows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from feeds.catalogue import db_now, json_of
from pipeline import story
from pipeline.models import NO_WORDS, Chapter, Rendition, Sound, Transcript
from workers import masters, originals, voice_files
from workers.house import House
from workers.job import Job, in_scratch, words_info
from workers.ledger import NextJob
from workers.pictures import pictured
from workers.publishing import silent_bodies
from workers.work_loop import Outcome, Perform, nobody_tidies


def bodies(house: House) -> Mapping[str, Perform]:
    """The body of every kind of job, for the workers of that house."""
    return {
        "audio": in_scratch(house, audio),
        "words": in_scratch(house, words),
        **silent_bodies(house),
    }


def audio(job: Job) -> Outcome:
    """Make the episode audible; its words are another job. Sound that stands and shall stay gets its labels anew, and no more."""
    if standing := job.standing():
        return relabelled(job, standing)
    recording, left_out = pictured(job)
    timeline, heard = story.hear(recording, job.fetched(), job.scored(), job.shop)
    voices = voice_files.made(job, timeline, heard)
    sound, verified = story.sound(timeline, heard, job.sound_plan, job.shop)
    sound = replace(sound, losses=(*sound.losses, *left_out))
    renditions = masters.set_apart(job, verified)
    voice_files.keep(job, voices)
    return audible(job, sound, renditions, story.chapters(recording, timeline, job.plan, job.words() or NO_WORDS))


def audible(job: Job, sound: Sound, renditions: Sequence[Rendition], chapters: Sequence[Chapter]) -> Outcome:
    """The sound that was made becomes what listeners get: stamped, stored, and published with the commit.

    An episode that is complete already stays so: its words go with any sound, and sound that is made again is the same bytes.
    """
    known = replace(job.episode, state="audible", sound=sound, words=None, chapters=tuple(chapters))
    stamped = job.stamped(tuple(renditions), known)
    was_complete = job.episode.state == "complete"
    if was_complete:
        known = replace(job.episode, sound=sound, chapters=_chapters_now(job, chapters))
        stamped = job.stamped(stamped, known, job.words())  # over what was there when its words came, as they did
    stored = job.send(stamped)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(
            session,
            state=known.state,
            sound=json_of(sound),
            edits_heard=json_of(job.plan.edits),
            chapters=json_of(known.chapters),
            published_at=job.publishes_at(db_now()),
        )

    return Outcome(
        apply=apply, follow=() if was_complete else (NextJob(kind="words"),), feed_changed=True, timings=job.shop.timings_s,
        after=job.clear if was_complete else nobody_tidies, overtaken=job.doubt,
    )  # fmt: skip


def _chapters_now(job: Job, chapters: Sequence[Chapter]) -> tuple[Chapter, ...]:
    """Other edits may take away what a chapter was named after; without any, and without words to be had, they stay."""
    is_edited = job.plan.edits != job.episode.edits_heard
    return tuple(chapters) if is_edited and job.words() else job.episode.chapters


def relabelled(job: Job, standing: Sequence[Rendition]) -> Outcome:
    """The files as they are, with what is known of the episode now inside them."""
    stored = job.send(job.stamped(tuple(standing), job.episode, job.words()))
    words_are_due = job.episode.state != "complete"
    return Outcome(
        apply=lambda session: job.keep_renditions(session, stored), feed_changed=True, timings=job.shop.timings_s,
        after=nobody_tidies if words_are_due else job.clear, overtaken=job.doubt,
    )  # fmt: skip


def words(job: Job) -> Outcome:
    """Make the episode complete: words, chapters, both inside the files as well. First what came from afar is kept as it came."""
    fetched = job.fetched()
    originals.keep(job, fetched)
    recording, _ = pictured(job)
    timeline, heard = story.hear(recording, fetched, job.scored(), job.shop)
    return complete(job, *story.words(recording, timeline, heard, job.plan, job.shop))


def complete(job: Job, transcript: Transcript, chapters: Sequence[Chapter]) -> Outcome:
    """The words that were heard join the episode: in its files, in the private store, and with the commit in its pages."""
    known = replace(job.episode, words=words_info(transcript), chapters=tuple(chapters))
    stored = job.send(job.stamped(job.stored_renditions(), known, transcript))
    words_key = job.keep_words(transcript)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(session, state="complete", words=json_of(known.words), words_key=words_key, chapters=json_of(known.chapters))

    return Outcome(apply=apply, feed_changed=True, timings=job.shop.timings_s, after=job.clear, overtaken=job.doubt)
