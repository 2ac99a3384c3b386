"""Figures for operators, read from the ledger at the moment they are asked for: nothing can drift or leak."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feeds.catalogue import EpisodeRow, ShowRow, db_now
from workers.house import House
from workers.ledger import JobRow


def metrics(house: House) -> bytes:
    """Prometheus text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ledger(house))
    return generate_latest(registry)


class _Ledger(Collector):
    def __init__(self, house: House) -> None:
        self.house = house

    def collect(self) -> Iterator[Metric]:
        with self.house.database.read() as session:
            yield from (_jobs(session), _waiting(session), _episodes(session), _behind(session))


def _jobs(session: Session) -> Metric:
    family = GaugeMetricFamily("aircheck_jobs", "Jobs by kind and state", labels=("kind", "state"))
    for kind, state, count in session.execute(select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)):
        family.add_metric((kind, state), count)
    return family


def _waiting(session: Session) -> Metric:
    family = GaugeMetricFamily("aircheck_queue_oldest_wait_seconds", "How long the oldest ready job has waited", labels=("queue",))
    oldest = select(JobRow.queue, db_now() - func.min(JobRow.next_at)).where(JobRow.state == "ready").group_by(JobRow.queue)
    for queue, waited_s in session.execute(oldest):
        family.add_metric((queue,), max(0.0, waited_s))
    return family


def _episodes(session: Session) -> Metric:
    family = GaugeMetricFamily("aircheck_episodes", "Episodes by state", labels=("state",))
    for state, count in session.execute(select(EpisodeRow.state, func.count()).group_by(EpisodeRow.state)):
        family.add_metric((state,), count)
    return family


def _behind(session: Session) -> Metric:
    behind = session.scalar(select(func.count()).select_from(ShowRow).where(ShowRow.feed_rev > ShowRow.published_rev))
    return GaugeMetricFamily("aircheck_feeds_behind", "Shows whose feed is due to be written", value=behind or 0)
