"""Our own way from a room's files to an episode's, measured stage by stage."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.spent import Spent
from pipeline import story
from pipeline.child import Children, Report
from pipeline.models import Fetched, MadeFile, Recording, Rendition, SourceFile
from pipeline.plan import CleanPlan, EncodePlan, Plan
from pipeline.workshop import Workshop


@dataclass(frozen=True, kw_only=True)
class Timed(Workshop):
    """A workshop that also knows what its stages cost."""

    spent: Spent = field(default_factory=Spent)

    @contextmanager
    def stage(self, name: str) -> Iterator[Report]:
        with self.spent.on(name), super().stage(name) as report:
            yield report


class Silent:
    """Where no slice of a transcription is kept: nothing is transcribed."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002
        return None

    def put(self, key: str, content: bytes) -> None: ...


def ours(folder: Path, sources: Sequence[Path], plan: EncodePlan) -> tuple[Spent, tuple[Rendition, ...]]:
    """The stages as the story has them; what they cost, and what came of them."""
    room = Recording(recording_id="b", engine="file", session_id="b", name="bench", started_at=datetime(2026, 1, 1, tzinfo=UTC))
    fetched = tuple(_fetched(path, separate=len(sources) > 1) for path in sources)
    # The whole length is kept, so that all ways make the same file.
    plans = Plan(clean=CleanPlan(trim=False), encode=plan)
    whole, shop = Spent(), Timed(scratch=folder, children=Children(), slices=Silent(), follow=lambda _stage, _share: None)
    with whole.on("all"):
        timeline, heard = story.hear(room, fetched, plans, shop)
        _, renditions = story.sound(timeline, heard, plans, shop)
    shop.spent.costs["between them"] = whole.total - shop.spent.total
    return shop.spent, renditions


def _fetched(path: Path, *, separate: bool) -> Fetched:
    kind, participant = ("track", path.stem) if separate else ("mix", None)
    return Fetched(source=SourceFile(path=path.name, kind=kind, participant=participant), file=MadeFile.of(path))  # type: ignore[arg-type]
