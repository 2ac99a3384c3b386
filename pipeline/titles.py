"""Names for chapters nobody named: a short question that opens one, else the words that set it apart from the others."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pipeline.english import PALE_WORDS
from pipeline.sentences import parts_of
from pipeline.talk import Turn

MOST_CHARACTERS = 45
HEAD = 400
LONGEST_PHRASE = 3
SHORTLIST = 14
SECOND_BEST = 0.6
OPENING_GAIN = 1.9
CAPITAL_GAIN = 1.15
WORD_GAIN = 0.6
LEAST_CONTENT = 2
LEAST_COUNT = 2

_TOKEN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ0-9'’+#&-]*|[.,;:!?…\"“”()—–]")
_STEM = re.compile(r"(ing|ed|es|s)$")
_ASKS = re.compile(r"^(what|how|why|which|when|where|who|should|can|is|are)\b", re.IGNORECASE)
_LEAD = re.compile(r"^((so|and|but|okay|ok|well|right|great|yeah|now|also|then|next)\b[\s,]*)+", re.IGNORECASE)
_POINTS = re.compile(r"\b(it|that|this|these|those|they|them|there|here)\b", re.IGNORECASE)
_VERB = re.compile(r"^\w+(ing|ed)$|^(suggest|use|become|come|keep|give|take|tell|ask|look|try|happen|understand|write|read|find)$")


@dataclass(slots=True)
class _Phrase:
    """One to three words said together in one chapter, in the ways they were written."""

    count: int = 0
    opening: bool = False
    written: Counter[str] = field(default_factory=Counter)

    @property
    def surface(self) -> str:
        return max(self.written, key=lambda text: (self.written[text], text))


def titles_of(chapters: Sequence[Sequence[Turn]], taken: Collection[str] = ()) -> tuple[str, ...]:
    """A title for each chapter, all different and none taken, at most 45 characters; empty where its words say nothing."""
    phrases = [_phrases(turns) for turns in chapters]
    seen_in = Counter(key for known in phrases for key in known)
    used = {title.casefold() for title in taken}
    titles = []
    for turns, known in zip(chapters, phrases, strict=True):
        options = chain([_question(turns)], _named(known, seen_in, len(chapters), used))
        titles.append(next((option for option in options if option and option.casefold() not in used), ""))
        used.update([titles[-1].casefold(), *titles[-1].casefold().split(" and ")])
    return tuple(titles)


# ---- a question


def _question(turns: Sequence[Turn]) -> str:
    """The last short question of the opening turn that asks for something in particular."""
    text = turns[0].text
    asked = [_LEAD.sub("", text[a:b].strip()) for a, b in parts_of(text) if text[a:b].rstrip().endswith("?")]
    clear = [q for q in asked if _ASKS.match(q) and not _POINTS.search(q) and len(_content(q)) >= LEAST_CONTENT]
    return next((_capital(q) for q in reversed(clear) if len(q) <= MOST_CHARACTERS), "")


def _content(text: str) -> set[str]:
    return {word.lower() for word in _TOKEN.findall(text) if _says_something(word)}


def _says_something(word: str) -> bool:
    """Not pale, and no abbreviation but one in capitals."""
    plain = word.lower().replace("’", "'")
    return word[0].isalpha() and plain not in PALE_WORDS and (len(word) > 2 or (word.isupper() and len(word) > 1))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- words


def _phrases(turns: Sequence[Turn]) -> dict[str, _Phrase]:
    found: defaultdict[str, _Phrase] = defaultdict(_Phrase)
    for n, turn in enumerate(turns):
        opening_from = max(0, len(turn.text) - HEAD) if n == 0 else len(turn.text)
        for run in _runs(turn.text):
            for piece in _pieces(run):
                key = " ".join(_STEM.sub("", word.lower()) for _, word in piece)
                phrase = found[key]
                phrase.count += 1
                phrase.opening |= piece[0][0] >= opening_from
                phrase.written[" ".join(word for _, word in piece)] += 1
    return found


def _runs(text: str) -> Iterator[list[tuple[int, str]]]:
    """Words that stand together, each with its place, parted by punctuation and by words that say nothing."""
    run: list[tuple[int, str]] = []
    begins = True
    for token in _TOKEN.finditer(text):
        word = token[0]
        says = _says_something(word)
        if run and not says:
            yield run
            run = []
        if says:
            run.append((token.start(), _as_within(word) if begins else word))
        begins = word in ".!?…"
    if run:
        yield run


def _as_within(word: str) -> str:
    """A sentence's first word as it would stand within it."""
    return word.lower() if word[1:].islower() else word


def _pieces(run: Sequence[tuple[int, str]]) -> Iterator[Sequence[tuple[int, str]]]:
    for length in range(1, LONGEST_PHRASE + 1):
        for at in range(len(run) - length + 1):
            yield run[at : at + length]


def _named(phrases: dict[str, _Phrase], seen_in: Counter[str], chapters: int, used: Collection[str]) -> Iterator[str]:
    """Titles from the chapter's own words, the best first; what another title says already is not said again."""
    fresh = {key: phrase for key, phrase in phrases.items() if _names(phrase) and phrase.surface.casefold() not in used}
    scores = {key: _score(key, phrase, seen_in[key], chapters) for key, phrase in fresh.items()}
    best = sorted(scores, key=lambda key: (-round(scores[key], 6), key))[:SHORTLIST]
    for first in best:
        for second in best:
            both = f"{fresh[first].surface} and {fresh[second].surface}"
            fits = len(both) <= MOST_CHARACTERS and SECOND_BEST * scores[first] <= scores[second] < scores[first]
            if fits and _apart(first, second) and _goes_second(fresh[second]):
                yield _capital(both)
        if len(fresh[first].surface) <= MOST_CHARACTERS:
            yield _capital(fresh[first].surface)


def _names(phrase: _Phrase) -> bool:
    """Whether it can be a name: no verb at its end, and not said once in passing."""
    words = phrase.surface.split()
    return not _VERB.match(words[-1].lower()) and not words[-1].endswith("ly") and (phrase.count > 1 or phrase.opening)


def _goes_second(phrase: _Phrase) -> bool:
    return phrase.count > (1 if " " in phrase.surface or phrase.surface[0].isupper() else LEAST_COUNT)


def _score(key: str, phrase: _Phrase, seen_in: int, chapters: int) -> float:
    gain = (OPENING_GAIN if phrase.opening else 1.0) * (CAPITAL_GAIN if phrase.surface[0].isupper() else 1.0)
    rarity = math.log((chapters + 1) / (seen_in + 0.5))
    return (1 + math.log(phrase.count)) * rarity * (1 + WORD_GAIN * (len(key.split()) - 1)) * gain


def _apart(first: str, second: str) -> bool:
    return not set(first.split()) & set(second.split())
