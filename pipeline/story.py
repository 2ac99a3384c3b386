"""The story: a finished room becomes an episode. Begin reading here.

    hear    probe ─> arrange ─> listen ─> clean       what is there, on one clock, measured, and what of it goes; the show's music
    sound   level ─> encode ─> verify                 and the episode can be heard
    words   transcribe ─> chapter                     and it can be read, and jumped in

Verbs are stages, one file each; a stage takes values and returns a value. `shop.once` does a step once for the same inputs, however
often a run is begun again; whatever touches media does so in a limited process of its own.
"""

from pipeline.arrange import arrange
from pipeline.chapter import chapters_of
from pipeline.clean import clean
from pipeline.encode import encode
from pipeline.kept import forget
from pipeline.level import level, target_of
from pipeline.listen import listen
from pipeline.models import NO_WORDS, Chapter, Fetched, Heard, Recording, Rendition, Sound, Timeline, Transcript
from pipeline.music import compose
from pipeline.plan import Plan
from pipeline.probe import probe
from pipeline.score import framed
from pipeline.sound import sound_of
from pipeline.transcribe import transcribe
from pipeline.treatment import asked_for, found_needed
from pipeline.verify import verify
from pipeline.workshop import Workshop


def hear(recording: Recording, fetched: tuple[Fetched, ...], plan: Plan, shop: Workshop) -> tuple[Timeline, Heard]:
    """What the room left behind, on one clock and measured."""
    found = shop.once(probe, fetched, plan.probe)
    timeline = asked_for(arrange(recording, found, plan.consent), plan.filters)
    heard = shop.once(listen, timeline)
    music = shop.once(compose, plan.music, heard.channels, target_of(heard.channels, plan.level))
    return framed(clean(found_needed(timeline, heard), heard, plan.clean, plan.edits), music), heard


def sound(timeline: Timeline, heard: Heard, plan: Plan, shop: Workshop) -> tuple[Sound, tuple[Rendition, ...]]:
    """The episode as it will be heard, every file of it measured again."""
    levels = shop.once(level, timeline, heard, plan.level)
    made = shop.once(encode, timeline, levels, plan.encode)
    verified = shop.once(verify, timeline, levels, plan.encode, made)
    forget(shop.scratch)
    return sound_of(timeline, heard, levels, verified), verified


def words(
    recording: Recording, timeline: Timeline, heard: Heard, plan: Plan, shop: Workshop
) -> tuple[Transcript, tuple[Chapter, ...]]:
    """Who said what and when, and what the talk turns to."""
    forget(shop.scratch)
    transcript = shop.do(transcribe, timeline, heard, plan.speech, participants=recording.participants)
    with shop.stage("chapter"):
        return transcript, chapters(recording, timeline, plan, transcript)


def chapters(recording: Recording, timeline: Timeline, plan: Plan, transcript: Transcript = NO_WORDS) -> tuple[Chapter, ...]:
    """Pinned topics, and with words what the talk turns to; on the timeline's clock."""
    return chapters_of(recording, timeline, transcript, plan.chapters)
