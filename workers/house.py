"""The house: everything a process opens once and hands down. `wiring.py` builds it from the settings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.catalogue import Episode, Show, find_episode, find_show
from feeds.site import Site
from pipeline.errors import Refused
from pipeline.limits import Limits
from pipeline.plan import Plan
from pipeline.stores import Store
from workers.database import Database
from workers.ledger import Bell
from workers.settings import Settings

if TYPE_CHECKING:
    from workers.broker import Bells


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One installation, opened."""

    settings: Settings
    database: Database
    public: Store
    private: Store
    site: Site
    scratch: Path
    plan: Plan
    # the same bells at every call
    open_bells: Callable[[], "Bells"]

    @property
    def bells(self) -> "Bells":
        """The bells, opened by whoever is the first to need them."""
        return self.open_bells()

    def store_of(self, episode: Episode) -> Store:
        """Where the episode's files lie: in public only what is published there."""
        return self.public if episode.published_at is not None else self.private

    def episode_of(self, name: str) -> tuple[Show, Episode]:
        """The episode with that guid, slug or run, and its show. Errors: `Refused` where there is none."""
        with self.database.read() as session:
            episode = find_episode(session, name)
            show = find_show(session, episode.show_slug) if episode else None
        if episode is None or show is None:
            raise Refused(f"there is no episode {name}; see: aircheck episode list", code="unknown_episode")
        return show, episode

    def limits(self, kind: str) -> Limits:
        """What a child of that kind of job may use; words never delay audio."""
        limits = self.settings.limits
        return Limits(
            wall_s=limits.wall_s, cpu_s=limits.cpu_s, memory_bytes=limits.memory_bytes, file_bytes=limits.file_bytes,
            yields=kind == "words",
        )  # fmt: skip

    def address(self, key: str) -> str:
        """Where listeners reach a file of the public store."""
        return self.site.url(key)

    def ring(self, bells: Iterable[Bell]) -> None:
        """Ring after a commit."""
        for bell in bells:
            self.bells.ring(bell)
