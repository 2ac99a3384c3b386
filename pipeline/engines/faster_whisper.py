"""Whisper through faster-whisper (CTranslate2): words with times and confidence in a hundred languages."""

import hashlib
import importlib.util
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.child import Report
from pipeline.doubt import is_looping
from pipeline.engines import RATE_HZ, Model, Recogniser, Said, Samples
from pipeline.errors import Broken
from pipeline.models import Quality, Segment, Word
from pipeline.plan import SpeechPlan

QUALITY: Quality = "full"
# What to use when no model is named: the first that is here, best for a plain CPU first.
PREFERRED = (
    "small",
    "base",
    "large-v3-turbo",
    "medium",
    "tiny",
    "large-v3",
    "large-v2",
    "distil-large-v3",
    "small.en",
    "base.en",
    "tiny.en",
)
TO_DOWNLOAD = "small"
PATIENCE_S = 4.0
HELP = "set speech.model to a folder that holds a CTranslate2 Whisper model, or let one be downloaded once where there is a network"
SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the words depend on besides the model and the sound."""

    device: str = "auto"
    compute_type: str = "auto"
    hotwords: str = ""
    beam_size: int = 5
    # Tokens after which a run of words may not repeat itself; 0 lets it.
    no_repeat_ngram_size: int = 0


def options_of(plan: SpeechPlan, hotwords: tuple[str, ...]) -> Options:
    return Options(device=plan.device, compute_type=plan.compute_type, hotwords=", ".join(hotwords))


# ---- the model


def reason_unavailable(plan: SpeechPlan) -> str:
    """Why there is no Whisper here, with what to do; empty when a model is here or may be downloaded."""
    if importlib.util.find_spec("faster_whisper") is None:
        return "faster-whisper is not installed; run pip install faster-whisper"
    if _is_folder(plan.model):
        return "" if _is_model(plan.model) else f"there is no Whisper model in {plan.model}; {HELP}"
    try:
        if _cached(plan.model):
            return ""
    except ValueError as error:
        return f"speech.model = {plan.model!r} is no known Whisper model ({error}); {HELP}"
    name = plan.model or TO_DOWNLOAD
    if not plan.download:
        return f"the Whisper model {name!r} is not on this machine and speech.download is off; {HELP}"
    refusal = _within(PATIENCE_S, lambda: _hub_refusal(name))
    return f"the Whisper model {name!r} is not on this machine and cannot be downloaded ({refusal}); {HELP}" if refusal else ""


def find_model(plan: SpeechPlan) -> Model:
    """The named model, or the best that is here, or a small one from the hub. Error: `Broken` when the download fails."""
    path = Path(plan.model) if _is_folder(plan.model) else _cached(plan.model) or _downloaded(plan.model or TO_DOWNLOAD)
    return Model(
        name=plan.model if plan.model and not _is_folder(plan.model) else _name_of(path), identity=_identity(path), path=str(path)
    )


def _is_folder(model: str) -> bool:
    return model.startswith((".", "/", "~")) or Path(model).is_dir() if model else False


def _is_model(path: str | Path) -> bool:
    return (Path(path).expanduser() / "model.bin").is_file()


def _cached(model: str) -> Path | None:
    """Where a named model, or any, lies in the hub's cache; one whose download broke off does not count. Error: `ValueError`."""
    from faster_whisper import download_model

    for name in [model] if model else PREFERRED:
        try:
            path = Path(download_model(name, local_files_only=True))
        except OSError:  # the hub's "not here" is one
            continue
        if _is_model(path):
            return path
    return None


def _downloaded(name: str) -> Path:
    from faster_whisper import download_model

    try:
        return Path(download_model(name))
    except Exception as error:  # the hub and its transport raise dozens of kinds
        raise Broken(
            f"the Whisper model {name!r} could not be downloaded: {_first_line(error)}; {HELP}", code="model_unavailable"
        ) from error


def _hub_refusal(name: str) -> str:
    """Why the hub would not give us that model; empty when it would."""
    from faster_whisper.utils import _MODELS
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(_MODELS.get(name, name), timeout=PATIENCE_S - 1)
    except Exception as error:  # the hub and its transport raise dozens of kinds
        return _first_line(error)
    return ""


def _within(seconds: float, ask: Callable[[], str]) -> str:
    """The answer, or that there was none in time: looking up a host's name knows no time limit of its own."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else f"no answer within {seconds:.0f} s"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def _name_of(path: Path) -> str:
    """`small` from the hub's cache folder `models--Systran--faster-whisper-small/snapshots/…`, else the folder's name."""
    cached = next((p.name for p in path.parents if p.name.startswith("models--")), path.resolve().name)
    return cached.rsplit("--", 1)[-1].removeprefix("faster-whisper-")


def _identity(path: Path) -> str:
    """A hash of sizes, first and last megabyte of the weights: three gigabytes are not read to tell two models apart."""
    weights = path.expanduser() / "model.bin"
    size = weights.stat().st_size
    with weights.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        file.seek(max(0, size - SAMPLE_BYTES))
        return hashlib.sha256(str(size).encode() + head + file.read()).hexdigest()


# ---- words


def open_recogniser(model: Model, options: Options) -> Recogniser:
    """The loaded model as a function from samples to words. Error: `Broken`."""
    from faster_whisper import WhisperModel

    path = str(Path(model.path).expanduser())
    try:
        whisper = WhisperModel(
            path, device=options.device, compute_type=options.compute_type, cpu_threads=cpu_threads(), local_files_only=True
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise Broken(f"the Whisper model {model.name!r} does not load: {_first_line(error)}", code="model_broken") from error

    def recognise(samples: Samples, language: str, report: Report) -> Said:
        said = _hear(whisper, samples, language, options, report)
        if not is_looping(said.segments):
            return said
        calmer = replace(options, hotwords="", no_repeat_ngram_size=5)
        again = _hear(whisper, samples, said.language, calmer, report)
        return said if is_looping(again.segments) else again

    return recognise


def cpu_threads() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _hear(whisper: Any, samples: Samples, language: str, options: Options, report: Report) -> Said:
    """One pass, at temperature 0 alone: higher ones draw lots, and a resumed run must give the same words."""
    heard, info = whisper.transcribe(
        samples,
        language=language or None,
        language_detection_segments=4,
        beam_size=options.beam_size,
        temperature=0.0,
        no_repeat_ngram_size=options.no_repeat_ngram_size,
        condition_on_previous_text=False,
        word_timestamps=True,
        hallucination_silence_threshold=2.0,
        hotwords=options.hotwords or None,
        vad_filter=True,
        vad_parameters={"min_silence_duration_ms": 500, "speech_pad_ms": 200},
    )
    return Said(language=info.language, segments=tuple(_segments(heard, len(samples) / RATE_HZ, report)))


def _segments(heard: Iterable[Any], length_s: float, report: Report) -> Iterable[Segment]:
    for segment in heard:
        words = tuple(
            Word(text=w.word.strip(), start_s=_rounded(w.start), end_s=_rounded(w.end), confidence=_rounded(w.probability))
            for w in segment.words or ()
            if w.word.strip()
        )
        yield Segment(
            speaker=None, start_s=_rounded(segment.start), end_s=_rounded(segment.end), text=segment.text.strip(), words=words
        )
        report(min(1.0, max(0.0, float(segment.end)) / max(length_s, 1e-3)))


def _rounded(value: float) -> float:
    return round(float(value), 3)
