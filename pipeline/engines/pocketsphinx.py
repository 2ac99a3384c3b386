"""Words without any model of one's own: PocketSphinx, English only, without punctuation or names.

A draft at best: measured 5-11 % of words wrong on synthetic voices, a quarter on read speech, more in conversation.
"""

import importlib.metadata
import importlib.util
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.child import Report
from pipeline.engines import RATE_HZ, Model, Recogniser, Said, Samples
from pipeline.models import Quality, Segment, Word
from pipeline.plan import SpeechPlan
from pipeline.voices import frame_levels, spans_of, voiced

QUALITY: Quality = "draft"
FRAMES_PER_S = 100
# A breath that long, and the padding on both sides of it, ends an utterance.
BREATH_S = 0.2
PAD_S = 0.15
PHRASE_PAUSE_S = 0.25
LONG_PHRASE_S = 5.0
LONGEST_PHRASE_S = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the words depend on besides the model and the sound."""

    # A second pass over each utterance: a little better, a third slower.
    second_pass: bool = False


def options_of(plan: SpeechPlan, hotwords: tuple[str, ...]) -> Options:  # noqa: ARG001  it takes no hints
    return Options()


def reason_unavailable(plan: SpeechPlan) -> str:
    """Why it cannot draft this room's words; empty when it can."""
    if importlib.util.find_spec("pocketsphinx") is None:
        return "PocketSphinx is not installed; run pip install 'aircheck[draft]'"
    if plan.language.split("-")[0].lower() not in ("", "en"):
        return f"PocketSphinx knows English only and the room speaks {plan.language}; set speech.engine = auto"
    return ""


def find_model(plan: SpeechPlan) -> Model:  # noqa: ARG001  there is one model, inside the library
    return Model(name="en-us", identity=importlib.metadata.version("pocketsphinx"))


def open_recogniser(model: Model, options: Options) -> Recogniser:  # noqa: ARG001  the model is inside the library
    """The decoder as a function from samples to words."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=RATE_HZ, loglevel="FATAL", fwdflat=options.second_pass)

    def recognise(samples: Samples, language: str, report: Report) -> Said:  # noqa: ARG001  English is all it knows
        decoder.reinit_feat()  # forget how loud the slice before was, else its words would depend on it
        return Said(language="en", segments=tuple(_utterances(decoder, samples, report)))

    return recognise


def _utterances(decoder: Any, samples: Samples, report: Report) -> Iterator[Segment]:
    for span in spans_of(voiced(frame_levels(samples)), pad_s=PAD_S, join_s=BREATH_S):
        piece = samples[round(span.start_s * RATE_HZ) : round(span.end_s * RATE_HZ)]
        decoder.start_utt()
        decoder.process_raw((piece * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        for words in _phrases(_words(decoder, span.start_s)):
            text = " ".join(word.text for word in words)
            yield Segment(speaker=None, start_s=words[0].start_s, end_s=words[-1].end_s, text=text, words=tuple(words))
        report(min(1.0, span.end_s * RATE_HZ / len(samples)))


def _phrases(words: Iterable[Word]) -> Iterator[list[Word]]:
    """Words as far as one breath goes: it knows no full stops, and nobody reads a minute in one piece."""
    phrase: list[Word] = []
    for word in words:
        pause_s = word.start_s - phrase[-1].end_s if phrase else 0.0
        lasts_s = word.end_s - phrase[0].start_s if phrase else 0.0
        if pause_s >= PHRASE_PAUSE_S or (pause_s > 0 and lasts_s > LONG_PHRASE_S) or lasts_s > LONGEST_PHRASE_S:
            yield phrase
            phrase = []
        phrase.append(word)
    if phrase:
        yield phrase


def _words(decoder: Any, start_s: float) -> Iterator[Word]:
    """The words without silences, noises and the numbers of their pronunciations."""
    base = decoder.get_logmath()
    for heard in decoder.seg():
        if heard.word[0] in "<[+":
            continue
        first_s, end_s = heard.start_frame / FRAMES_PER_S, (heard.end_frame + 1) / FRAMES_PER_S
        sure = min(1.0, base.exp(heard.prob))
        yield Word(
            text=heard.word.split("(")[0],
            start_s=round(start_s + first_s, 3),
            end_s=round(start_s + end_s, 3),
            confidence=round(sure, 3) if math.isfinite(sure) else None,
        )
