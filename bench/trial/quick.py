"""Jobs whose sound is quick: real ledger, catalogue, stores and publishing, with sleep where the real ones listen and encode.

What they publish is a real second of sound, made once by the real stages and kept in the house's data folder: an MP3 with its fixed
padding and an Opus file, each as it is when the episode becomes audible and again when its chapters have joined it.
"""

import math
import struct
import tempfile
import time
import wave
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from feeds.catalogue import db_now, json_of
from pipeline import story
from pipeline.child import Children
from pipeline.errors import Stopped
from pipeline.journal import write_whole
from pipeline.models import Chapter, Fetched, MadeFile, Recording, Rendition, Segment, Sound, SourceFile, Transcript, Word
from pipeline.plan import EncodePlan, Plan
from pipeline.stamp import stamp
from pipeline.telling import Tags
from pipeline.workshop import Workshop
from workers import publishing
from workers.heart import Heart
from workers.house import House
from workers.job import Job, open_job, words_info
from workers.ledger import NextJob
from workers.work_loop import Outcome, Perform

# How long a room is taken to be that does not say when it ended.
ROOM_S = 2700.0
SOURCE_S = 2.0
FORMATS = ("mp3", "opus")
TOLD_EVERY_S = 0.25
CHAPTERS = (Chapter(start_s=0.0, end_s=SOURCE_S, title="One tone", source="computed"),)
WORDS = Transcript(
    engine="quick", model="one-word", quality="full", language="en",
    segments=(Segment(speaker=None, start_s=0.2, end_s=0.8, text="Tone.", words=(Word(text="Tone.", start_s=0.2, end_s=0.8),)),),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The sound that every quick episode has."""

    sound: Sound
    # as it is when the episode can be heard, and when it is complete: other tags, the same length
    audible: tuple[Rendition, ...]
    complete: tuple[Rendition, ...]


_MADE = TypeAdapter(Made)


def quick_bodies(house: House, speed: float, *, words_speed: float | None = None) -> Mapping[str, Perform]:
    """The body of every kind of job: an hour takes `3600 / speed` s of sleep, and so do its words unless told else."""
    made = sound_of(house)
    told_speed = speed if words_speed is None else words_speed
    return {
        "audio": lambda claim, heart: _audio(open_job(house, claim, heart), heart, made, speed),
        "words": lambda claim, heart: _words(open_job(house, claim, heart), heart, made, told_speed),
        "feed": lambda claim, heart: publishing.feed(house, claim, heart),
    }


def sound_of(house: House) -> Made:
    """The quick sound, made by the first process of this house that asks for it."""
    folder = house.settings.data_dir / "quick"
    note = folder / "made.json"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(Path(tempfile.mkdtemp(dir=folder)), note)
    return _MADE.validate_json(note.read_bytes())


def length_of(recording: Recording) -> float:
    """Seconds the room lasted, as far as it tells."""
    if recording.ended_at is None:
        return ROOM_S
    return max(0.0, (recording.ended_at - recording.started_at).total_seconds())


# ---- the bodies


def _audio(job: Job, heart: Heart, made: Made, speed: float) -> Outcome:
    _sleep(length_of(job.recording) / speed, "encode", heart)
    stored = job.send(made.audible)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(session, state="audible", sound=json_of(made.sound), chapters=[], published_at=job.publishes_at(db_now()))

    return Outcome(apply=apply, follow=(NextJob(kind="words"),), feed_changed=True, timings=job.shop.timings_s, after=job.clear)


def _words(job: Job, heart: Heart, made: Made, speed: float) -> Outcome:
    _sleep(length_of(job.recording) / speed, "transcribe", heart)
    stored = job.send(made.complete)
    words_key = job.keep_words(WORDS)

    def apply(session: Session) -> None:
        job.keep_renditions(session, stored)
        job.keep(
            session, state="complete", words=json_of(words_info(WORDS)), words_key=words_key, chapters=json_of(CHAPTERS)
        )  # fmt: skip

    return Outcome(apply=apply, feed_changed=True, timings=job.shop.timings_s, after=job.clear)


def _sleep(wait_s: float, stage: str, heart: Heart) -> None:
    """Sleep so long as work would take, telling how far it is; ends at once when asked to."""
    began = time.monotonic()
    while (slept_s := time.monotonic() - began) < wait_s:
        heart.progress(stage, slept_s / wait_s)
        if heart.stop.wait(min(TOLD_EVERY_S, wait_s - slept_s)):
            raise Stopped(f"{stage} was stopped")
    heart.progress(stage, 1.0)


# ---- the sound


class _NoSlices:
    """Nobody transcribes a tone."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        return None

    def put(self, key: str, content: bytes) -> None:
        """Keep nothing."""


def _make(folder: Path, note: Path) -> None:
    shop = Workshop(scratch=folder, children=Children(), slices=_NoSlices(), follow=lambda _stage, _share: None)
    source = SourceFile(path="tone.wav")
    recording = Recording(
        recording_id="quick", engine="quick", session_id="quick", name="quick", started_at=datetime(2026, 1, 1, tzinfo=UTC),
        files=(source,),
    )  # fmt: skip
    plan = Plan(encode=EncodePlan(formats=FORMATS))
    fetched = (Fetched(source=source, file=MadeFile.of(tone(folder / "tone.wav"))),)
    sound, renditions = story.sound(*story.hear(recording, fetched, plan, shop), plan, shop)
    tags = Tags(title="Quick", artist="Aircheck", album="Quick", date="2026-01-01", language="en")
    audible = stamp(renditions, tags, children=shop.children, scratch=folder)
    complete = stamp(renditions, replace(tags, chapters=CHAPTERS), children=shop.children, scratch=folder)
    write_whole(note, _MADE.dump_json(Made(sound=sound, audible=audible, complete=complete)))


def tone(to: Path, rate_hz: int = 48000) -> Path:
    """Two seconds of a soft tone that swells and fades."""
    count = round(SOURCE_S * rate_hz)
    loud = (9000 * math.sin(math.pi * n / count) * math.sin(2 * math.pi * 330 * n / rate_hz) for n in range(count))
    with wave.open(str(to), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"".join(struct.pack("<h", round(value)) for value in loud))
    return to
