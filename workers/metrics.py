"""Figures for operators, read from the ledger at the moment they are asked for: nothing can drift or leak.

Names end in their unit. What ends in `_total` only ever grows, for it counts rows that are kept for ever.
"""

import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from workers.house import House
from workers.ledger import figures
from workers.ledger.overdue import overdue_by_cause

Values = Mapping[tuple[str, ...], float]


def metrics(house: House) -> bytes:
    """Prometheus text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(house))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, house: House) -> None:
        self.house = house

    def collect(self) -> Iterator[Metric]:
        with self.house.database.read() as session:
            for told in LEDGER:
                yield told(session)
            yield _overdue(session, self.house.settings.limits.overdue_s)
            skew_s: Values = {("database",): figures.clock_s(session) - time.time()}
        yield from _outside(self.house, skew_s)


# ---- from the ledger


def _gauge(name: str, said: str, labels: tuple[str, ...], read: Callable[[Session], Values]) -> Callable[[Session], Metric]:
    return lambda session: _filled(GaugeMetricFamily(f"aircheck_{name}", said, labels=labels), read(session))


def _counter(name: str, said: str, labels: tuple[str, ...], read: Callable[[Session], Values]) -> Callable[[Session], Metric]:
    return lambda session: _filled(CounterMetricFamily(f"aircheck_{name}", said, labels=labels), read(session))


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


LEDGER: tuple[Callable[[Session], Metric], ...] = (
    _gauge("runs", "Runs by state", ("state",), figures.runs_by_state),
    _gauge("runs_at_stage", "Runs at work by the stage they are at", ("kind", "stage"), figures.running_by_stage),
    _gauge("jobs", "Jobs by kind, queue and state", ("kind", "queue", "state"), figures.jobs_by_state),
    _gauge("jobs_hindered", "Jobs that wait until something outside them is mended", ("kind", "code"), figures.hindered_by_code),
    _gauge("jobs_abandoned", "Running jobs whose lease has run out", ("queue",), figures.abandoned_by_queue),
    _gauge("queue_ready_jobs", "Jobs that may run now", ("queue",), figures.ready_by_queue),
    _gauge("queue_oldest_wait_seconds", "How long the oldest ready job has waited", ("queue",), figures.oldest_wait_by_queue),
    _gauge("queue_paused", "1 while nobody claims from the queue", ("queue",), figures.paused_by_queue),
    _gauge("hands", "Jobs that the workers there can do at once", ("queue",), figures.hands_by_queue),
    _gauge("hands_busy", "Jobs that are being done", ("queue",), figures.busy_by_queue),
    _counter("attempts", "Tries that have ended, by outcome", ("kind", "outcome"), figures.attempts_by_outcome),
    _counter("failures", "Tries that failed, were hindered or lost, by cause", ("kind", "code"), figures.failures_by_code),
    _gauge(
        "recent_work_seconds", f"Seconds of work of the last {figures.RECENT} jobs of a kind", ("kind", "stage"),
        figures.recent_work_s,
    ),
    _gauge("recent_audio_minutes", "Minutes of audio in those same jobs", ("kind",), figures.recent_audio_min),
    _gauge("episodes", "Episodes by state", ("state",), figures.episodes_by_state),
    _gauge("feeds_behind", "Shows whose files lag behind their rows", (), figures.feeds_behind),
    _gauge("feeds_behind_seconds", "How long the feed that lags most has lagged", (), figures.feeds_behind_s),
    _gauge("sweep_age_seconds", "Seconds since the newest sweep; +Inf when nobody sweeps", (), figures.sweep_age_s),
)  # fmt: skip


def _overdue(session: Session, longer_than_s: float) -> Metric:
    counted: Values = {(cause,): float(count) for cause, count in overdue_by_cause(session, longer_than_s).items()}
    family = GaugeMetricFamily("aircheck_runs_overdue", "Rooms that ended long ago and cannot be heard yet", labels=("reason",))
    return _filled(family, counted)


# ---- from around it


def _outside(house: House, skew_s: Values) -> Iterator[Metric]:
    redis = house.bells.clock_s()
    if redis is not None:
        yield GaugeMetricFamily("aircheck_redis_up", "1 when Redis answers", value=float(redis != 0))
    skew_s = {**skew_s, **({("redis",): redis - time.time()} if redis else {})}
    clocks = GaugeMetricFamily("aircheck_clock_skew_seconds", "How far another's clock is ahead of ours", labels=("of",))
    yield _filled(clocks, skew_s)
    yield GaugeMetricFamily("aircheck_scratch_free_bytes", "Free space where scratch lies", value=_free_bytes(house))
    yield GaugeMetricFamily(
        "aircheck_scratch_floor_bytes", "Free space without which no job begins", value=house.settings.limits.free_bytes
    )
    built = {"version": version("aircheck"), "python": platform.python_version(), "database": house.database.engine.dialect.name}
    yield InfoMetricFamily("aircheck_build", "What runs here", value=built)


def _free_bytes(house: House) -> float:
    place = next(path for path in (house.scratch, *house.scratch.parents) if path.exists())
    return float(shutil.disk_usage(place).free)
