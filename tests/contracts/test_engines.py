"""What every recogniser on the shelf promises, tried on each of them."""

import dataclasses
import importlib.util
import time
from typing import cast

import pytest
from fakes_speech import RATE_HZ, ModelOf, Sound, babble, flite, silence, whisper
from pydantic import TypeAdapter

from pipeline import shelf
from pipeline.child import quiet
from pipeline.engines import Engine, Recogniser
from pipeline.plan import SpeechPlan

__all__ = ["whisper"]

ENGINES = shelf.names("pipeline.engines")


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(name: str) -> Engine:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return cast(Engine, shelf.take("pipeline.engines", name))


@pytest.fixture
def plan(name: str, whisper: ModelOf) -> SpeechPlan:
    return SpeechPlan(engine=name, model=whisper() if name == "faster_whisper" else "")  # type: ignore[arg-type]


@pytest.fixture
def recogniser(engine: Engine, plan: SpeechPlan) -> Recogniser:
    return engine.open_recogniser(engine.find_model(plan), engine.options_of(plan, ("Ana",)))


@pytest.fixture
def speech() -> Sound:
    return flite(
        "We talk about music and machines in a small room. Today we bake bread for many people. "
        "You need flour, water and salt, and nobody may open the door."
    )


def test_it_says_how_far_its_words_can_be_trusted(engine: Engine) -> None:
    assert engine.QUALITY in ("full", "draft")


def test_its_options_are_a_frozen_value_that_travels_as_json(engine: Engine, plan: SpeechPlan) -> None:
    options = engine.options_of(plan, ("Ana", "Bento"))
    assert isinstance(options, engine.Options) and dataclasses.fields(options)
    assert type(options).__dataclass_params__.frozen
    adapter = TypeAdapter(engine.Options)
    assert adapter.validate_json(adapter.dump_json(options)) == options


def test_it_is_ready_when_it_has_what_it_needs_and_says_so_at_once(engine: Engine, plan: SpeechPlan) -> None:
    began = time.monotonic()
    assert engine.reason_unavailable(plan) == ""
    assert time.monotonic() - began < 5


def test_its_model_is_known_by_its_content(engine: Engine, plan: SpeechPlan) -> None:
    model = engine.find_model(plan)
    assert model.name and model.identity
    assert engine.find_model(plan) == model


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0])
def test_silence_is_no_words(recogniser: Recogniser, seconds: float) -> None:
    assert recogniser(silence(seconds), "en", quiet).segments == ()


def test_words_lie_in_order_within_the_sound_and_name_nobody(recogniser: Recogniser, speech: Sound) -> None:
    shares: list[float] = []
    said = recogniser(speech, "en", shares.append)
    words = [word for segment in said.segments for word in segment.words]
    assert said.language == "en"
    assert words and {segment.speaker for segment in said.segments} == {None}
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
    assert 0 <= words[0].start_s < len(speech) / RATE_HZ
    assert all(word.text == word.text.strip() != "" for word in words)
    assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)


def test_what_it_heard_before_changes_nothing(recogniser: Recogniser, speech: Sound) -> None:
    first = recogniser(speech, "en", quiet)
    recogniser(babble(4), "en", quiet)
    assert recogniser(speech, "en", quiet) == first
