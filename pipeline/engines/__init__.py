"""The shelf of recognisers: `pipeline/engines/<name>.py` hears words in speech; this is what each file there promises.

An engine's library is imported inside its functions only, so that a missing one harms nobody.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.child import Report
from pipeline.models import Quality, Segment
from pipeline.plan import SpeechPlan

RATE_HZ = 16_000
Samples: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model on this machine. `identity` follows its content and is the same on every machine; `path` is not."""

    name: str
    identity: str
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was heard in one slice: times in seconds from its beginning, nobody named; `language` as ISO 639-1."""

    language: str
    segments: tuple[Segment, ...]


class Recogniser(Protocol):
    """An engine with its model loaded."""

    def __call__(self, samples: Samples, language: str, report: Report) -> Said:
        """What is said in 16 kHz mono samples (-1 … 1); an empty `language` is recognised as well; silence is no segments.

        The answer depends on the arguments alone, never on what was heard before: a resumed run must give the same words.
        """


class Engine(Protocol):
    """What a module on this shelf holds."""

    # How far its words can be trusted: "full" may be published, "draft" is labelled and never names a chapter.
    QUALITY: Quality
    # A frozen dataclass of everything but the model and the sound that the answer depends on.
    Options: Any

    def reason_unavailable(self, plan: SpeechPlan) -> str:
        """Why it cannot work here, in one line that says what to do; empty when it can. Within 5 s, and nothing is downloaded."""

    def find_model(self, plan: SpeechPlan) -> Model:
        """The model the plan asks for, downloaded when that is allowed and needed. Error: `Broken`."""

    def options_of(self, plan: SpeechPlan, hotwords: tuple[str, ...]) -> Any:
        """The plan in this engine's own `Options`."""

    def open_recogniser(self, model: Model, options: Any) -> Recogniser:
        """Loads the model; only in a limited child process. Error: `Broken`."""
