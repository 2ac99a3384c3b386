"""Every choice that a run is made with, as the stages take them."""

from dataclasses import dataclass, field
from typing import Literal

from pipeline.chapter import ChapterPlan
from pipeline.clean import CleanPlan
from pipeline.encode import EncodePlan
from pipeline.level import LevelPlan
from pipeline.probe import ProbePlan
from pipeline.transcribe import SpeechPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan a stage; `consent` is what counts where a room says nothing."""

    consent: Literal["notice", "required"] = "notice"
    probe: ProbePlan = field(default_factory=ProbePlan)
    clean: CleanPlan = field(default_factory=CleanPlan)
    level: LevelPlan = field(default_factory=LevelPlan)
    encode: EncodePlan = field(default_factory=EncodePlan)
    speech: SpeechPlan = field(default_factory=SpeechPlan)
    chapters: ChapterPlan = field(default_factory=ChapterPlan)
