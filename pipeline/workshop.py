"""Where stages work: a scratch folder, limited children, notes of what is done, somebody who follows, and a watch."""

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.child import Children, Report
from pipeline.errors import Stopped
from pipeline.journal import Journal
from pipeline.transcribe import SliceStore

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """One run's place to work; `follow(stage, share)` is told where it is."""

    scratch: Path
    children: Children
    # finished slices of a transcription
    slices: SliceStore
    follow: Callable[[str, float], None]
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def journal(self) -> Journal:
        """The notes of the steps that are done."""
        return Journal(self.scratch / "journal")

    def once(self, step: Callable[..., T], *inputs: object) -> T:
        """What `step(*inputs)` returns, made once for the same inputs; the step is handed the tools its keywords name."""
        with self.stage(step.__name__) as report:
            return self.journal.once(step, *inputs, **self._tools(step, report))

    def do(self, step: Callable[..., T], *inputs: object, **more: object) -> T:
        """What the step returns; one that keeps its own notes."""
        with self.stage(step.__name__) as report:
            return step(*inputs, **more, **self._tools(step, report))

    def _tools(self, step: Callable[..., object], report: Report) -> dict[str, object]:
        have = {"children": self.children, "scratch": self.scratch, "slices": self.slices, "report": report}
        wanted = [p.name for p in inspect.signature(step).parameters.values() if p.kind is p.KEYWORD_ONLY]
        return {name: have[name] for name in wanted if name in have}

    @contextmanager
    def stage(self, name: str) -> Iterator[Report]:
        """Tell that a stage begins, time it, and yield what reports its share done."""
        if self.children.stop.is_set():
            raise Stopped(f"stopped before {name}")
        self.follow(name, 0.0)
        began = time.monotonic()
        yield lambda share: self.follow(name, share)
        self.timings_s[name] = self.timings_s.get(name, 0.0) + time.monotonic() - began
        self.follow(name, 1.0)
