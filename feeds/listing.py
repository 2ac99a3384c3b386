"""Which episodes have public files, which stand in the feed, and in which order. Pure."""

from feeds.catalogue import Episode, Show

# Shows and episodes that have public files; the others' stay in the private store.
OPEN = frozenset({"public", "unlisted"})


def newest_first(episode: Episode) -> tuple[float, str]:
    """A sort key: by when the room was live."""
    return -episode.started_at.timestamp(), episode.guid


def is_open(show: Show, episode: Episode) -> bool:
    """Whether the episode has public files."""
    published = episode.state in ("audible", "complete") and episode.published_at is not None
    return published and {show.access, episode.access} <= OPEN


def is_listed(show: Show, episode: Episode) -> bool:
    """Whether an open episode stands in the feed and on the show's page."""
    return show.access == "unlisted" or episode.access == "public"
