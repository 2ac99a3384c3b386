"""A manifest without a fault, to be changed."""

from typing import Any

MANIFEST: dict[str, Any] = {
    "schema": "room-recording/1", "recording_id": "EG_abc", "complete": True,
    "source": {"engine": "livekit", "version": "1", "session_id": ""},
    "room": {
        "sid": "RM_xyz", "name": "tuesday-room", "title": "Why we record", "description": "One.\n\nTwo.", "language": "en",
        "started_at": "2026-11-20T07:36:57.000Z", "ended_at": "2026-11-20T07:38:25.000Z", "show": "tuesday", "access": "public",
        "price": None, "explicit": False, "distribution": "auto", "exclusive_until": None, "retention_days": None,
    },
    "consent": {"notice_shown": True, "policy": "speakers"},
    "participants": [
        {"identity": "alice", "name": "Alice", "role": "host", "recording_consent": True, "url": "https://example.org/alice"},
        {"identity": "bob", "name": "Bob", "role": "speaker", "joined_at": 4.2, "left_at": 12.1, "recording_consent": None},
        {"identity": "eve", "name": "Eve Listening", "role": "listener", "joined_at": 1.0},
    ],
    "files": [
        {"path": "tracks/1-alice.ogg", "kind": "track", "participant": "alice", "start_offset": 0.1, "duration": 88.0, "part": 1},
        {"path": "tracks/2-bob.ogg", "kind": "track", "participant": "bob", "start_offset": 4.26, "size": 135815},
    ],
    "events": [
        {"t": 29.8, "type": "topic_pinned", "title": "Why record?", "url": "https://example.org/why", "participant": "alice"},
    ],
    "stats": {"peak_listeners": 14},
}  # fmt: skip
