"""Where the work is done: is somebody there, and does every room get through?"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workers.doctor.findings import Finding, bad, well, worrying
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A sweep is due every few seconds.
STALE_S = 60.0
START = "aircheck up, or aircheck work --queues {}"


def workers(settings: Settings) -> Iterator[Finding]:
    """Hands at every queue, and when the newest sweep was."""
    from workers.ledger import QUEUES, figures, paused

    with _ledger(settings) as session:
        if session is None:
            yield well("workers", "nobody has worked here yet")
            return
        hands = {queue: int(count) for (queue,), count in figures.hands_by_queue(session).items()}
        waits_s = {queue: waited_s for (queue,), waited_s in figures.oldest_wait_by_queue(session).items()}
        sweep_age_s, stopped = figures.sweep_age_s(session)[()], paused(session)
    for queue in QUEUES:
        if not hands[queue]:
            told = bad if waits_s[queue] > STALE_S else worrying
            waits = f", and jobs have waited {waits_s[queue]:,.0f} s" if waits_s[queue] > STALE_S else ""
            yield told("workers", f"nobody works at {queue}{waits}", START.format(queue))
        if queue in stopped:
            yield worrying("workers", f"{queue} is paused", f"aircheck pause {queue} --resume")
    if all(hands.values()):
        yield well("workers", ", ".join(f"{count} at {queue}" for queue, count in hands.items()))
    if any(hands.values()) and sweep_age_s > STALE_S:
        yield bad("sweep", f"the newest sweep was {sweep_age_s:,.0f} s ago", "look at the workers' log; restart them")


def rooms(settings: Settings) -> Iterator[Finding]:
    """Rooms that ended long ago and cannot be heard yet."""
    from workers.ledger.overdue import overdue_by_cause

    with _ledger(settings) as session:
        if session is None:
            yield well("rooms", "none has ended yet")
            return
        late = {cause: count for cause, count in overdue_by_cause(session, settings.limits.overdue_s).items() if count}
    hours = settings.limits.overdue_s / 3600
    if late:
        told = ", ".join(f"{count} {cause}" for cause, count in late.items())
        said = f"{sum(late.values())} ended more than {hours:,.1f} h ago and cannot be heard yet: {told}"
        yield bad("rooms", said, "aircheck runs --overdue says why, and what to do")
    else:
        yield well("rooms", f"each that ended more than {hours:,.1f} h ago can be heard")


@contextlib.contextmanager
def _ledger(settings: Settings) -> Iterator["Session | None"]:
    """The ledger to read from; None where there is none of this shape yet."""
    from sqlalchemy.engine import make_url

    from workers.database import open_database
    from workers.doctor.keeping import patient_only, silent
    from workers.migrations import newest, revision_of

    url = make_url(settings.database_url)
    if (url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()) or silent(settings.database_url):
        yield None
        return
    opened = open_database(patient_only(settings.database_url))
    try:
        with opened.read() as session:
            yield session if revision_of(session.connection()) == newest() else None
    finally:
        opened.close()
