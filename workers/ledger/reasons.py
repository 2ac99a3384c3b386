"""Failures told to creators: what happened, what is safe, what to do next."""

from collections.abc import Mapping

_WHAT: Mapping[str, str] = {"audio": "This episode could not be made", "words": "This episode has no transcript yet"}
_SAFE: Mapping[str, str] = {
    "audio": "The recording is kept as it came; nothing was published.",
    "words": "The episode plays as before.",
}
_AGAIN: Mapping[str, str] = {
    "audio": "Try again when the cause is gone.",
    "words": "Try again for the words when the cause is gone.",
}
_REFUSED: Mapping[str, str] = {
    "audio": "Trying again will not help; if there is a better copy, send it as a new recording.",
    "words": "Trying again will not help while the recording is as it is.",
}


def sentences(kind: str, message: str, *, refused: bool) -> tuple[str, str, str]:
    """What happened, what is safe, and what to do next."""
    what, safe = _WHAT.get(kind, f"The {kind} job failed"), _SAFE.get(kind, "Everything else is as before.")
    after = (_REFUSED if refused else _AGAIN).get(kind, "Try again when the cause is gone.")
    return f"{what}: {message.rstrip('.')}.", safe, after


def told(kind: str, message: str, *, refused: bool) -> str:
    """The reason an episode, or its words, are not there."""
    return " ".join(sentences(kind, message, refused=refused))


def cancelled() -> str:
    """The reason of an episode whose run somebody cancelled before it could be heard."""
    return f"This episode was cancelled before it could be heard. {_SAFE['audio']} Retry starts it again."
