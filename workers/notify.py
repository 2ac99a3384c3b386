"""What people are told by mail. A job's subject names the notice, what stands after a colon is what it is about.

    late-rooms      to the operator: every room that is overdue now

A notice is composed when it is sent, so that it says what is true then; where nothing is left to say, no mail goes out.
"""

from collections.abc import Callable, Mapping

import structlog

from pipeline.errors import Refused
from pipeline.text import clean_line
from workers.alarms import LATE_ROOMS
from workers.heart import Heart
from workers.house import House
from workers.ledger import Claim
from workers.ledger.overdue import Overdue, overdue
from workers.mail import Mail, send
from workers.work_loop import Outcome

log = structlog.get_logger(__name__)

# So many rooms are told one by one in a mail; of the others their number.
TOLD = 40

Compose = Callable[[House, str], Mail | None]


def notify(house: House, claim: Claim, heart: Heart) -> Outcome:
    """Send the notice that the job's subject names.

    Errors: `Hindered` while the mail server is away, `Refused` for what it never takes.
    """
    heart.progress("notify", 0.0)
    name, _, about = claim.subject.partition(":")
    if name not in NOTICES:
        raise Refused(f"there is no notice {name!r}; update Aircheck where this worker runs", code="unknown_notice")
    mail = NOTICES[name](house, about)
    if mail is None:
        log.info("nothing_to_tell", notice=name)
    elif not house.settings.mail.host:
        log.info("not_mailed", notice=name, why="mail.host is not set")
    else:
        send(mail, house.settings.mail)
        log.info("mailed", notice=name)
    heart.progress("notify", 1.0)
    return Outcome()


def late_rooms(house: House, _about: str) -> Mail | None:
    """Every room that is overdue at this moment, the newest first; None when none is any more."""
    settings = house.settings
    with house.database.read() as session:
        rooms = overdue(session, settings.limits.overdue_s, alarmed=True, limit=1000)
    if not rooms or not settings.mail.operator:
        return None
    one = len(rooms) == 1
    subject = f"Aircheck: {f'{_name(rooms[0])} cannot' if one else f'{len(rooms)} rooms cannot'} be heard yet"
    told = "\n\n".join(_in_words(room) for room in rooms[:TOLD])
    more = f"\n\nAnd {len(rooms) - TOLD} more." if len(rooms) > TOLD else ""
    hours = settings.limits.overdue_s / 3600
    text = (
        f"{'This room' if one else 'These rooms'} ended more than {hours:,.1f} hours ago and cannot be heard yet. Nothing is lost: "
        f"every recording is kept as it came.\n\n{told}{more}\n\n"
        f"All of them, with what to do: aircheck runs --overdue\nStudio: {settings.public_url}/studio/\n"
    )
    return Mail(to=settings.mail.operator, subject=subject, text=text)


def _name(room: Overdue) -> str:
    return clean_line(room.run.name, 80) or room.run.id


def _in_words(room: Overdue) -> str:
    run, why = room.run, room.standing
    show = f", show {run.show_slug}" if run.show_slug else ""
    return (
        f"* {_name(room)}{show}\n  run {run.id}, since {run.received_at:%Y-%m-%d %H:%M} UTC\n"
        f"  {clean_line(why.said, 400)}\n  Next: {clean_line(why.next, 200)}"
    )


NOTICES: Mapping[str, Compose] = {LATE_ROOMS: late_rooms}
