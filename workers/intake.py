"""A room has ended: what it left behind is accepted in one transaction, and once."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from pipeline.models import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What becomes of a room that names no show, or one that is not there."""

    default_show: str = ""
    unknown_show: Literal["hold", "create", "refuse"] = "hold"
    # the address a new show's feed will have; its guid follows from it
    public_url: str = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the platform is answered."""

    # the recording id
    run: str
    # "" while it is held for a show that is not there
    episode_guid: str
    show_slug: str
    # the event, or the recording, had been accepted before; nothing has changed
    known: bool
    # why it waits for a person; "" when it does not
    held: str = ""


def accept(session: Session, recording: Recording, root: str, *, provider: str, event_id: str, defaults: IntakeRules) -> Accepted:
    """Take a finished recording whose files lie under `root`: inbox, recording, episode and job audio, or nothing of it.

    The same event or the same recording again changes nothing. Errors: `Refused` where the rules refuse an unknown show.
    """
    raise NotImplementedError
