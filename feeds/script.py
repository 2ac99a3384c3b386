"""From machine words and the episode's people, cuts and chapters to what is told: names, episode seconds, clean text. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter

from feeds.catalogue import Episode, Person, Show
from pipeline.clock import TimeMap
from pipeline.models import Chapter, Segment, Transcript, Word
from pipeline.pieces import Piece, pieces_of
from pipeline.telling import Script
from pipeline.text import clean_line
from pipeline.unsaid import said

SHORTEST_CHAPTER_S = 1.0
# A first chapter that begins later than this does not speak for the beginning.
OPENING_S = 15.0
SHORTEST_SEGMENT_S = 0.2
# Text of one segment: far more than anybody says in one breath, and a bound for whoever lays it out.
LONGEST_TEXT = 20_000

# start in episode seconds, clean title
_Titled = tuple[float, str, Chapter]


def tell(episode: Episode, transcript: Transcript | None, *, folder_url: str = "") -> Script:
    """The episode as it is told to people, at `folder_url` where it is public.

    `transcript` None: its words are not told, and neither are chapters that were computed from draft words.
    """
    clock = clock_of(episode)
    names = {person.identity: clean_line(person.name) for person in named(episode)}
    words = transcript or Transcript(engine="", model="", quality="none", language="")
    words = said(words, episode.sound.mutes if episode.sound else ())
    return Script(
        title=clean_line(episode.title), language=words.language or episode.language, duration_s=clock.duration_s,
        engine=words.engine, quality=words.quality,
        segments=_segments(words.segments, clock, names), chapters=chapters_of(episode, drafts=transcript is not None),
        folder_url=folder_url,
    )  # fmt: skip


def clock_of(episode: Episode) -> TimeMap:
    """The map from room seconds to this episode's seconds; without sound nothing lasts."""
    if episode.sound is None:
        return TimeMap(0.0)
    sound = episode.sound
    return TimeMap(sound.source_s, sound.cuts, intro_s=sound.intro_s, outro_s=sound.outro_s)


def words_are_public(show: Show, episode: Episode) -> bool:
    """Whether the machine's words may be told: full ones always, a draft only where the show says so."""
    if episode.words is None or episode.words.count == 0:
        return False
    return episode.words.quality == "full" or (episode.words.quality == "draft" and show.drafts == "public")


def named(episode: Episode) -> tuple[Person, ...]:
    """Who may be named: never a listener, and where voices were recorded apart only those who are heard."""
    sound = episode.sound
    voices = [voice for voice in (sound.voices if sound else ()) if voice.participant]
    muted = {one.participant for one in (sound.mutes if sound else ()) if one.start_s <= 0 and one.end_s is None}
    heard = {voice.participant for voice in voices if voice.speech_s > 0} - muted
    return tuple(
        person for person in episode.people
        if person.role != "listener" and (not voices or person.identity in heard) and clean_line(person.name)
    )  # fmt: skip


# ---- chapters


def chapters_of(episode: Episode, *, drafts: bool) -> tuple[Chapter, ...]:
    """Chapters in episode seconds: the first at exactly 0, ascending, each ending where the next begins, the last with the episode.

    Without `drafts`, titles that were computed from draft words stay private like the words.
    """
    clock = clock_of(episode)
    private = episode.words is not None and episode.words.quality == "draft" and not drafts
    told = [c for c in episode.chapters if not (private and c.source == "computed")]
    titled = [(clock.episode_s(c.start_s), title, c) for c in told if (title := clean_line(c.title))]
    titled.sort(key=itemgetter(0))
    edges = [*(start for start, _, _ in titled), clock.duration_s]
    lasting = [one for one, (start, end) in zip(titled, pairwise(edges), strict=True) if end - start >= SHORTEST_CHAPTER_S]
    return _ended(_opened(lasting, clean_line(episode.title)), clock.duration_s)


def _opened(chapters: list[_Titled], opening: str) -> list[_Titled]:
    """The same from 0 on: the first is drawn there, or an opening stands before it."""
    if not chapters:
        return []
    first_s, title, first = chapters[0]
    if first_s <= OPENING_S or not opening:
        return [(0.0, title, first), *chapters[1:]]
    return [(0.0, opening, replace(first, url="", image="")), *chapters]


def _ended(chapters: Sequence[_Titled], duration_s: float) -> tuple[Chapter, ...]:
    edges = [*(round(start, 3) for start, _, _ in chapters), round(duration_s, 3)]
    return tuple(
        Chapter(start_s=start, end_s=end, title=title, source=chapter.source, url=chapter.url, image=chapter.image)
        for (_, title, chapter), (start, end) in zip(chapters, pairwise(edges), strict=True)
    )


# ---- words


def _segments(segments: Iterable[Segment], clock: TimeMap, names: dict[str, str]) -> tuple[Segment, ...]:
    told = (_segment(segment, clock, names) for segment in segments)
    return tuple(sorted((s for s in told if s is not None), key=lambda s: (s.start_s, s.end_s)))


def _segment(segment: Segment, clock: TimeMap, names: dict[str, str]) -> Segment | None:
    """The segment without what lies in a cut; None when nothing is left."""
    clean = replace(segment, text=clean_line(segment.text, LONGEST_TEXT))
    kept = [piece for piece in pieces_of(clean) if not clock.is_cut((piece.start_s + piece.end_s) / 2)]
    text = "".join(piece.text for piece in kept).strip()
    if not text:
        return None
    start_s, end_s = _span(kept, clock)
    return Segment(
        speaker=names.get(segment.speaker or ""), start_s=start_s, end_s=end_s, text=text,
        words=_words(kept, clock, (start_s, end_s)),
    )  # fmt: skip


def _span(kept: Sequence[Piece], clock: TimeMap) -> tuple[float, float]:
    """From the first to the last kept moment, long enough to be seen, inside the episode."""
    start_s = min(clock.episode_s(piece.start_s) for piece in kept)
    end_s = max(clock.episode_s(piece.end_s) for piece in kept)
    end_s = min(max(end_s, start_s + SHORTEST_SEGMENT_S), clock.duration_s)
    return max(0.0, min(start_s, end_s - SHORTEST_SEGMENT_S)), end_s


def _words(kept: Sequence[Piece], clock: TimeMap, span: tuple[float, float]) -> tuple[Word, ...]:
    out: list[Word] = []
    at = span[0]
    for piece in kept:
        if piece.word is None or not (text := clean_line(piece.word.text)):
            continue
        at = min(max(at, clock.episode_s(piece.start_s)), span[1])
        out.append(
            Word(text=text, start_s=at, end_s=min(max(at, clock.episode_s(piece.end_s)), span[1]), confidence=piece.word.confidence)
        )
    return tuple(out)
