"""What a creator should know about an episode: who is heard how loud, what was cut, what is missing, how the words came. Pure."""

from dataclasses import dataclass

from feeds.catalogue import Episode, WordsInfo
from feeds.pages.voices import voices
from feeds.pages.wording import capital
from feeds.web.studio.chapters import own_chapters
from pipeline.clock import spoken, written
from pipeline.models import Cut, Loss, VoiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One voice."""

    name: str
    initials: str
    # 1 … 8; 0: none
    colour: int
    # "speaks 12 minutes, −23.4 to −16.0 LUFS"
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to know; `tone` says whether it is good or to be looked at."""

    heading: str
    fact: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    voices: tuple[Heard, ...]
    # (second, how it is written, title, link)
    chapters: tuple[tuple[float, str, str], ...]
    to_know: tuple[Note, ...]


def notes(episode: Episode) -> Notes:
    """Everything worth a line; nothing before there is sound."""
    chapters = tuple((c.start_s, written(c.start_s), c.title) for c in own_chapters(episode))
    return Notes(voices=_voices(episode), chapters=chapters, to_know=_to_know(episode))


def _voices(episode: Episode) -> tuple[Heard, ...]:
    if episode.sound is None:
        return ()
    levels = {voice.participant: voice for voice in episode.sound.voices}
    return tuple(
        Heard(name=v.name, initials=v.initials, colour=v.colour, fact=_level(levels.get(v.identities[0]), v.share))
        for v in voices(episode)
    )


def _level(level: VoiceLevel | None, share: float | None) -> str:
    talk = f"{share:.0%} of the talk" if share is not None else ""
    if level is None or level.before_lufs is None or level.after_lufs is None:
        return talk
    change = f"{level.before_lufs:.1f} to {level.after_lufs:.1f} LUFS".replace("-", "−")
    return ", ".join(filter(None, (talk, change)))


def _to_know(episode: Episode) -> tuple[Note, ...]:
    if episode.sound is None:
        return ()
    found = [*map(_lost, episode.sound.losses), *_cut(episode.sound.cuts), *_loudness(episode), *_words(episode.words)]
    return tuple(found)


def _lost(loss: Loss) -> Note:
    where = f" at {written(loss.at_s)}" if loss.at_s is not None else ""
    heading = f"{loss.lost_s:.1f} s missing{where}" if loss.lost_s else f"Worth knowing{where}"
    return Note(heading=heading, fact=_sentence(loss.why), tone="warn")


def _cut(cuts: tuple[Cut, ...]) -> list[Note]:
    if not cuts:
        return []
    total = spoken(sum(c.end_s - c.start_s for c in cuts))
    reasons = ", ".join(dict.fromkeys(c.why for c in cuts))
    return [Note(heading=f"{total} cut", fact=f"{_sentence(reasons)} The original is kept.", tone="good")]


def _loudness(episode: Episode) -> list[Note]:
    first = next((r for r in episode.renditions if r.integrated_lufs is not None), None)
    if first is None:
        return (
            [Note(heading="Silent from start to end", fact="The microphone may have been off.", tone="warn")]
            if episode.renditions
            else []
        )
    peak = f", peak {first.true_peak_dbtp:.1f} dB" if first.true_peak_dbtp is not None else ""
    return [Note(heading="Sound is even", fact=f"{first.integrated_lufs:.1f} LUFS{peak}".replace("-", "−"), tone="good")]


def _words(words: WordsInfo | None) -> list[Note]:
    if words is None:
        return []
    if words.quality == "none" or words.count == 0:
        return [Note(heading="No words yet", fact=_sentence(words.why or "nobody speaks in it"), tone="warn")]
    by = f"Written by {words.engine.replace('_', '-')}{f' {words.model}' if words.model else ''}."
    if words.quality == "draft":
        return [Note(heading="The words are a draft", fact=" ".join(filter(None, (by, _sentence(words.why)))), tone="warn")]
    return [Note(heading=f"{words.count:,} words", fact=by, tone="good")]


def _sentence(words: str) -> str:
    """The words as a sentence of its own."""
    return capital(words if not words or words.endswith((".", "!", "?")) else f"{words}.")
