"""Tracks, consent and pauses become one timeline on one clock."""

from typing import Literal

from pipeline.models import Found, Recording, Timeline

Consent = Literal["notice", "required"]


def arrange(recording: Recording, found: Found, consent: Consent) -> Timeline:
    """Who is heard when. Refused with code `consent` where nobody may be heard."""
    raise NotImplementedError
