"""Words: who said what and when, in room seconds.

    who speaks when ─> slices ─> one child hears every slice that is not in the store ─> doubt ─> sentences ─> one transcript

A slice is known by its own sound, the model and the options, and is stored the moment it is heard; so a killed run repeats at most
one, on whatever machine it goes on.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from pydantic import TypeAdapter, ValidationError

from pipeline import doubt, shelf
from pipeline.child import Children, Report, quiet
from pipeline.engines import Engine, Model, Said
from pipeline.errors import Broken
from pipeline.journal import write_whole
from pipeline.leaks import Spoken, without_leaks
from pipeline.models import Heard, MadeFile, Participant, Segment, Timeline, Transcript
from pipeline.plan import SpeechPlan
from pipeline.sentences import sentences
from pipeline.slices import Slice, sound_of, survey
from pipeline.voices import level_dbfs

VERSION = 1
SURVEY_SHARE = 0.05
AUTO = "faster_whisper"
NO_SPEECH = "no speech was heard in this room"
_SAID = TypeAdapter(Said)


class SliceStore(Protocol):
    """Where finished slices are kept, so that another host goes on where one died."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A recogniser that can begin: the engine's name, its model, and its own options as JSON."""

    engine: str
    model: Model
    options: str

    def key_of(self, part: Slice) -> str:
        """What the slice's words depend on: its sound and what decides its language, the model, the options."""
        content = [VERSION, self.engine, self.model.identity, self.options, part.sha256, part.language_from]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def reason_without_words(plan: SpeechPlan) -> str:
    """Why rooms get no words under this plan, with what to do; empty when they get some. Within 5 s, and nothing is downloaded."""
    if plan.engine == "none":
        return "speech.engine is none; set it to auto for words"
    return _engine(_name(plan)).reason_unavailable(plan)


def transcribe(
    timeline: Timeline, heard: Heard, plan: SpeechPlan, *,
    participants: tuple[Participant, ...], children: Children, slices: SliceStore, report: Report = quiet,
) -> Transcript:  # fmt: skip
    """The words of the room. Without a recogniser, or when nobody spoke, a transcript of quality "none" that says why.

    `engine` is "none" only while there is no recogniser. Errors: `Broken` when a slice fails (those before are kept), `Stopped`.
    """
    if why := reason_without_words(plan):
        return without_words(why)
    hints = hotwords_of(plan, participants)
    try:
        ready = children.run(prepare, _name(plan), plan, hints)
    except Broken as error:
        if error.code != "model_unavailable":
            raise
        return without_words(str(error))
    parts = children.run(find_slices, heard.speech, timeline.separate, report=lambda share: report(share * SURVEY_SHARE))
    work = Work(ready, parts, heard.speech, plan.language, children, slices, report)
    return _transcript(work, timeline, hints)


def without_words(why: str) -> Transcript:
    return Transcript(engine="none", model="", quality="none", language="", why=why)


def hotwords_of(plan: SpeechPlan, participants: Sequence[Participant]) -> tuple[str, ...]:
    """What will probably be said: the plan's words, and who is there."""
    return tuple(dict.fromkeys([*plan.hotwords, *(p.name for p in participants if p.kind == "standard" and p.name)]))[:40]


def _name(plan: SpeechPlan) -> str:
    return AUTO if plan.engine == "auto" else plan.engine


def _engine(name: str) -> Engine:
    return cast(Engine, shelf.take("pipeline.engines", name))


# ---- in children


def prepare(name: str, plan: SpeechPlan, hotwords: tuple[str, ...], report: Report) -> Ready:  # noqa: ARG001  quick
    """The engine with its model found, downloaded if need be."""
    engine = _engine(name)
    options = TypeAdapter(engine.Options).dump_json(engine.options_of(plan, hotwords)).decode()
    return Ready(engine=name, model=engine.find_model(plan), options=options)


def find_slices(speech: tuple[MadeFile, ...], separate: bool, report: Report) -> tuple[Slice, ...]:
    """Every slice with speech in it."""
    return survey(speech, separate, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """The slices that are to be heard, in order; `languages` by the slice that decided each; "" is a language not yet known."""

    slices: tuple[Slice, ...]
    speech: tuple[MadeFile, ...]
    language: str
    languages: dict[str, str]
    folder: Path


def hear(ready: Ready, todo: Todo, report: Report) -> int:
    """How many slices were heard with one load of the model; the words of each lie in the folder as soon as they are known."""
    engine = _engine(ready.engine)
    recognise = engine.open_recogniser(ready.model, TypeAdapter(engine.Options).validate_json(ready.options))
    languages = dict(todo.languages)
    all_s, done_s = sum(part.speech_s for part in todo.slices), 0.0
    for part in todo.slices:
        samples = sound_of(todo.speech[part.track].path, part.spans).astype(np.float32) / np.float32(32768)
        told = _within(report, done_s / all_s, part.speech_s / all_s)
        said = recognise(samples, todo.language or languages.get(part.language_from, ""), told)
        languages.setdefault(part.language_from, said.language)
        write_whole(todo.folder / f"{ready.key_of(part)}.json", _SAID.dump_json(said))
        done_s += part.speech_s
        report(done_s / all_s)
    return len(todo.slices)


def _within(report: Report, done: float, share: float) -> Report:
    return lambda part: report(done + part * share)


# ---- around them


@dataclass(frozen=True, slots=True)
class Work:
    """What there is to hear, and what the stage hears it with."""

    ready: Ready
    parts: tuple[Slice, ...]
    speech: tuple[MadeFile, ...]
    language: str
    children: Children
    slices: SliceStore
    report: Report


def _heard(work: Work) -> list[tuple[Slice, Said]]:
    """What was said in each slice, heard only where the store does not know it."""
    stored = {part: _read(work.slices.get(work.ready.key_of(part))) for part in work.parts}
    said = {part: known for part, known in stored.items() if known}
    missing = tuple(part for part in work.parts if part not in said)
    if missing:
        said |= _newly_heard(work, missing, {part.sha256: known.language for part, known in said.items()})
    return [(part, said[part]) for part in work.parts]


def _newly_heard(work: Work, missing: tuple[Slice, ...], languages: dict[str, str]) -> dict[Slice, Said]:
    new: dict[Slice, Said] = {}
    known = 1 - _speech_s(missing) / _speech_s(work.parts)
    with tempfile.TemporaryDirectory(prefix="aircheck-words-") as folder:
        todo = Todo(slices=missing, speech=work.speech, language=work.language, languages=languages, folder=Path(folder))

        def told(share: float) -> None:
            new.update(_store(work, (part for part in missing if part not in new), Path(folder)))
            work.report(SURVEY_SHARE + (1 - SURVEY_SHARE) * (known + (1 - known) * share))

        work.children.run(hear, work.ready, todo, report=told)
        told(1.0)
    return new


def _store(work: Work, parts: Iterable[Slice], folder: Path) -> Iterator[tuple[Slice, Said]]:
    """The slices that lie finished in the folder, now kept in the store as well."""
    for part in parts:
        key = work.ready.key_of(part)
        try:
            content = (folder / f"{key}.json").read_bytes()
        except FileNotFoundError:
            return  # they are heard in order
        work.slices.put(key, content)
        yield part, _SAID.validate_json(content)


def _read(content: bytes | None) -> Said | None:
    try:
        return _SAID.validate_json(content) if content else None
    except ValidationError:
        return None


def _speech_s(parts: Iterable[Slice]) -> float:
    return sum(part.speech_s for part in parts)


# ---- one transcript


def _transcript(work: Work, timeline: Timeline, hints: Sequence[str]) -> Transcript:
    heard = _heard(work)
    spoken = tuple((part.track, segment) for part, said in heard for segment in believed(part, said, hints))
    if timeline.separate:
        spoken = without_leaks(spoken, lambda track, a, b: level_dbfs(work.speech[track].path, a, b))
    segments = sorted(_sentences(spoken, timeline), key=lambda s: (s.start_s, s.end_s, s.speaker or ""))
    return Transcript(
        engine=work.ready.engine,
        model=work.ready.model.name,
        quality=_engine(work.ready.engine).QUALITY if segments else "none",
        language=work.language or _language(heard),
        segments=tuple(segments),
        why="" if segments else NO_SPEECH,
    )


def believed(part: Slice, said: Said, hints: Sequence[str]) -> tuple[Segment, ...]:
    """What was said in a slice, in room seconds, without what the recogniser made up."""
    timed = doubt.in_time(said.segments, part.start_s, part.end_s - part.start_s)
    return doubt.without_parroting(doubt.without_loops(timed), hints)


def _sentences(spoken: Sequence[Spoken], timeline: Timeline) -> Iterator[Segment]:
    for track, segment in spoken:
        speaker = timeline.tracks[track].participant if timeline.separate else None
        for sentence in sentences(segment):
            yield replace(sentence, speaker=speaker)


def _language(heard: Sequence[tuple[Slice, Said]]) -> str:
    """The language in which most was said; of equals the first."""
    spoken: Counter[str] = Counter()
    for _, said in heard:
        spoken[said.language] += sum(len(segment.text) for segment in said.segments)
    return max(spoken, key=lambda language: spoken[language], default="")
