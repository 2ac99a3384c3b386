"""Jobs in which nothing is done: what is left is the ledger, the bells and the loop."""

from collections.abc import Mapping

from sqlalchemy import update

from feeds.catalogue import EpisodeRow, ShowRow
from workers.heart import Heart
from workers.house import House
from workers.ledger import Claim, NextJob
from workers.work_loop import Outcome, Perform


def nothing_bodies(house: House) -> Mapping[str, Perform]:
    """The body of every kind of job; each changes the rows that the real one changes, and nothing else."""
    return {"audio": _audio, "words": _words, "feed": lambda claim, _heart: _feed(house, claim)}


def _audio(claim: Claim, _heart: Heart) -> Outcome:
    audible = update(EpisodeRow).where(EpisodeRow.recording_id == claim.recording_id).values(state="audible")
    return Outcome(apply=lambda session: session.execute(audible), follow=(NextJob(kind="words"),), feed_changed=True)


def _words(claim: Claim, _heart: Heart) -> Outcome:
    complete = update(EpisodeRow).where(EpisodeRow.recording_id == claim.recording_id).values(state="complete")
    return Outcome(apply=lambda session: session.execute(complete), feed_changed=True)


def _feed(house: House, claim: Claim) -> Outcome:
    with house.database.read() as session:
        show = session.get_one(ShowRow, claim.subject)
    shown = update(ShowRow).where(ShowRow.id == show.id).values(published_rev=show.feed_rev)
    return Outcome(apply=lambda session: session.execute(shown))
