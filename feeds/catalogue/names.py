"""Names that never change: they follow from ids, and are made here alone."""

import base64
import hashlib
import uuid

PODCAST_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")  # podcast namespace, tag podcast:guid
RESERVED_SLUGS = frozenset({"api", "studio", "hooks", "private", "healthz", "readyz", "metrics", "_assets"})


def episode_guid(show_guid: str, engine: str, session_id: str) -> str:
    """One session, one episode, for ever (DESIGN: UUIDv5 of the show's guid and engine + ":" + room session id)."""
    return str(uuid.uuid5(uuid.UUID(show_guid), f"{engine}:{session_id}"))


def episode_slug(guid: str) -> str:
    """First 10 letters of base32(sha256(guid)), lower case."""
    return base64.b32encode(hashlib.sha256(guid.encode()).digest()).decode()[:10].lower()


def podcast_guid(feed_url: str) -> str:
    """UUIDv5 of the feed address without scheme and trailing slashes (podcast namespace, podcast:guid)."""
    return str(uuid.uuid5(PODCAST_NAMESPACE, feed_url.split("://", 1)[-1].rstrip("/")))
