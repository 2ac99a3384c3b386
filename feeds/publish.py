"""A show's rows become its files in the public store: only what changed, what is pointed at first, the feed last."""

from collections.abc import Sequence
from dataclasses import dataclass

from feeds.catalogue import Episode, Show
from feeds.site import Site as Site
from pipeline.stores import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An episode that was left out of the feed, and why."""

    slug: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing did; nothing written and nothing removed means that the files stood already."""

    # keys, in the order in which they were written
    writes: tuple[str, ...]
    removed: tuple[str, ...]
    # episodes whose files stood already
    skipped: int
    quarantined: tuple[Quarantined, ...]
    feed_sha256: str


def publish(
    show: Show, episodes: Sequence[Episode], *, public: Store, private: Store, site: Site, force: bool = False
) -> Published:
    """Bring the show's public files up to its rows; `force` believes no note of what stands and looks at every file."""
    raise NotImplementedError
