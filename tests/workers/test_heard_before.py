"""What was measured once is not measured again, unless it was of something else or cannot be trusted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes_children import Here, fetched, recording

from bench.sounds import RATE_HZ, wav
from pipeline import story
from pipeline.models import Fetched, Heard, Timeline
from pipeline.plan import Plan
from pipeline.stores import Store, open_store
from workers.heard_before import HeardBefore, Remembering


class Ears(Here):
    """Counts what is listened to."""

    heard = 0

    def run(self, work: Any, *inputs: object, **more: Any) -> object:
        if work.__module__ == "pipeline.listen":
            object.__setattr__(self, "heard", self.heard + 1)
        return Here.run(self, work, *inputs, **more)


@pytest.fixture
def private(tmp_path: Path) -> Store:
    return open_store((tmp_path / "private").as_uri())


@pytest.fixture
def room(tmp_path: Path) -> Fetched:
    """Three seconds in which somebody might speak."""
    at_s = np.arange(3 * RATE_HZ) / RATE_HZ
    return fetched(wav(tmp_path / "mix.wav", 0.1 * np.sin(2 * np.pi * 300 * at_s) * (np.sin(9 * at_s) > 0)), kind="mix")


def on_another_host(private: Store, room: Fetched, folder: Path, ears: Ears) -> tuple[Timeline, Heard]:
    """What is heard of the room by somebody whose scratch is empty."""
    folder.mkdir()
    shop = Remembering(
        before=HeardBefore(store=private, prefix="show/episode/heard/"), scratch=folder, children=ears, slices=None,
        follow=lambda _stage, _share: None,
    )  # type: ignore[arg-type] # fmt: skip
    return story.hear(recording(), (room,), Plan(), shop)


def test_another_host_finds_the_same_measures_without_listening(private: Store, room: Fetched, tmp_path: Path) -> None:
    ears = Ears()
    timeline, first = on_another_host(private, room, tmp_path / "one", ears)
    assert ears.heard == 1
    again, recalled = on_another_host(private, room, tmp_path / "two", ears)
    assert ears.heard == 1
    assert again == timeline
    assert recalled == replace(first, speech=(), measures=recalled.measures)
    assert recalled.measures.path.read_bytes() == first.measures.path.read_bytes()


def test_another_sound_is_listened_to_and_remembered_instead(private: Store, room: Fetched, tmp_path: Path) -> None:
    ears = Ears()
    on_another_host(private, room, tmp_path / "one", ears)
    at_s = np.arange(2 * RATE_HZ) / RATE_HZ
    other = fetched(wav(tmp_path / "other.wav", 0.1 * np.sin(2 * np.pi * 500 * at_s)), kind="mix")
    on_another_host(private, other, tmp_path / "two", ears)
    on_another_host(private, other, tmp_path / "three", ears)
    assert ears.heard == 2


@pytest.mark.parametrize("lost", ["measures.npz", "heard.json"])
@pytest.mark.parametrize("how", ["gone", "another"])
def test_what_cannot_be_trusted_is_measured_again(private: Store, room: Fetched, tmp_path: Path, lost: str, how: str) -> None:
    ears = Ears()
    on_another_host(private, room, tmp_path / "one", ears)
    if how == "gone":
        private.delete(f"show/episode/heard/{lost}")
    else:
        private.put(f"show/episode/heard/{lost}", b"torn", mime_type="application/json", cache_control="private")
    on_another_host(private, room, tmp_path / "two", ears)
    on_another_host(private, room, tmp_path / "three", ears)
    assert ears.heard == 2
