"""The jobs that touch no sound: `feed`, and `notify` beside it. They are done without loading what touches any."""

import time
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import case, update
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, Show, ShowRow, episodes, show_of
from feeds.publish import Published, feed_etag, publish
from pipeline.stores import Overtaken
from workers.heart import Heart, Lapsed
from workers.house import House
from workers.ledger import Bell, Claim
from workers.notify import notify
from workers.repair import distrust
from workers.work_loop import Outcome, Perform, WorkLoop

log = structlog.get_logger(__name__)


def publish_due(house: House, bells: Sequence[Bell]) -> None:
    """Write every feed that is due when those bells would ring, in the foreground: one written just now rests for a second."""
    time.sleep(max((bell.delay_s for bell in bells), default=0.0))
    WorkLoop(house.database, silent_bodies(house), ring=lambda bell: house.ring([bell])).hear("publish")


def silent_bodies(house: House) -> Mapping[str, Perform]:
    """The bodies of the queue `publish`."""
    return {
        "feed": lambda claim, heart: feed(house, claim, heart),
        "notify": lambda claim, heart: notify(house, claim, heart),
    }


def feed(house: House, claim: Claim, heart: Heart) -> Outcome:
    """Bring a show's public files up to its rows, and write down which feed was meant."""
    heart.progress("publish", 0.0)
    try:
        show, repairs, published = _published(house, claim.subject, heart)
    except Lapsed:  # we may have put something old over something newer
        house.database.patiently(lambda session: distrust(session, claim.subject))
        raise
    for left_out in published.quarantined:
        log.warning("quarantined", episode=left_out.slug, why=left_out.why, next="the rest is published")
    heart.progress("publish", 1.0)
    return Outcome(apply=lambda session: _write_down(session, show, repairs, published))


def _published(house: House, show_id: str, heart: Heart, *, again: int = 2) -> tuple[Show, int, Published]:
    """The show as it was published, and how often it had been repaired until then; overtaken, it is published again."""
    try:
        return _publish_once(house, show_id, heart)
    except Overtaken as overtaken:
        if not again:
            raise
        log.info("overtaken", why=str(overtaken))
        return _published(house, show_id, heart, again=again - 1)


def _publish_once(house: House, show_id: str, heart: Heart) -> tuple[Show, int, Published]:
    """What stands is looked at before the rows are read: so nothing is overwritten that is newer than they are."""
    with house.database.read() as session:
        slug = session.get_one(ShowRow, show_id).slug
    over = feed_etag(house.public, slug)
    with house.database.read() as session:
        row = session.get_one(ShowRow, show_id)
        show, repairs, rows = show_of(row), row.repairs, episodes(session, slug)
    in_doubt = not row.feed_etag and row.published_rev > 0
    published = publish(
        show, rows, public=house.public, private=house.private, site=house.site, over=over, must_hold=heart.must_hold,
        force=in_doubt,
    )  # fmt: skip
    heart.must_hold()
    return show, repairs, published


def _write_down(session: Session, show: Show, repairs: int, published: Published) -> None:
    """What stands is what was meant, unless it has come to be doubted meanwhile; who was left out is looked at next."""
    etag = case((ShowRow.repairs == repairs, published.feed_etag), else_="")
    session.execute(update(ShowRow).where(ShowRow.id == show.id).values(published_rev=show.feed_rev, feed_etag=etag))
    left_out = [one.slug for one in published.quarantined]
    session.execute(update(EpisodeRow).where(EpisodeRow.show_id == show.id, EpisodeRow.slug.in_(left_out)).values(looked_at=0.0))
