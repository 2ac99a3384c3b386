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

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """One run's place to work; `follow(stage, share)` is told where it is."""

    scratch: Path
    children: Children
    journal: Journal
    follow: Callable[[str, float], None]
    timings_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def at(cls, scratch: Path, children: Children, follow: Callable[[str, float], None]) -> "Workshop":
        """A workshop in the folder `scratch`, made where it is missing."""
        return cls(scratch=scratch, children=children, journal=Journal(scratch / "journal"), follow=follow)

    def once(self, step: Callable[..., T], *inputs: object) -> T:
        """What `step(*inputs)` returns, made once for the same inputs; the step is handed the tools its keywords name."""
        with self.stage(step.__name__) as report:
            have = {"children": self.children, "scratch": self.scratch, "report": report}
            wanted = [p.name for p in inspect.signature(step).parameters.values() if p.kind is p.KEYWORD_ONLY]
            return self.journal.once(step, *inputs, **{name: have[name] for name in wanted if name in have})

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
