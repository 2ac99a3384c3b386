"""Settings become opened things: the only place that knows all of them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from feeds.site import Site
from pipeline.plan import ChapterPlan, EncodePlan, LevelPlan, Plan, ProbePlan, SpeechPlan
from pipeline.stores import Store, open_store
from workers.broker import HANDS, Bells, Workers, open_broker, start_workers, warn_of_clocks
from workers.database import open_database
from workers.errands import errands_of
from workers.house import House
from workers.jobs import bodies
from workers.late_words import ask_for_late_words
from workers.ledger import QUEUES, Bell
from workers.migrations import migrate
from workers.settings import Settings, load
from workers.sweep import LEAVE_S, Sweeper
from workers.work_loop import WorkLoop


@contextmanager
def open_house(settings: Settings | None = None) -> Iterator[House]:
    """The installation that the settings describe, its database brought up to date."""
    settings = settings or load()
    database = open_database(settings.database_url)
    try:
        migrate(database.engine)
        yield House(
            settings=settings, database=database, public=_store(settings, settings.store.url),
            private=_store(settings, settings.store.private_url), site=site_of(settings), scratch=settings.data_dir / "scratch",
            plan=plan_of(settings), bells=Bells(open_broker(settings.redis_url)),
        )  # fmt: skip
    finally:
        database.close()


@contextmanager
def working(house: House, queues: Sequence[str] = QUEUES, hands: Mapping[str, int] = HANDS) -> Iterator[Workers]:
    """Workers at those queues and a sweeper, in threads of this process, until the block ends; running jobs are given back."""
    workers = start_workers(house.bells.broker, loop_of(house), queues, hands)
    sweeper = Sweeper(
        house.database, house.bells, hands={queue: hands[queue] for queue in queues}, errands=errands_of(house)
    )  # fmt: skip
    sweeper.start()
    warn_of_clocks(house.bells)
    house.ring(Bell(queue=queue) for queue in queues)  # what waits need not wait for a sweep
    if "words" in queues:
        ask_for_late_words(house)
    try:
        yield workers
    finally:
        leaving = threading.Thread(target=sweeper.stop, daemon=True)
        leaving.start()
        workers.stop()
        leaving.join(LEAVE_S)


def publish_due(house: House) -> None:
    """Write every feed that is due, in the foreground."""
    loop_of(house).hear("publish")


def loop_of(house: House) -> WorkLoop:
    """The loop that does this house's jobs."""
    return WorkLoop(house.database, bodies(house), ring=house.bells.ring)


# ---- settings to plans


def plan_of(settings: Settings) -> Plan:
    """The installation's plan."""
    audio, speech = settings.audio, settings.speech
    return Plan(
        probe=ProbePlan(longest_s=settings.limits.room_s),
        level=LevelPlan(mode=audio.level, target_lufs=audio.target_lufs),
        encode=EncodePlan(formats=audio.formats, effort=audio.encode),
        speech=SpeechPlan(
            engine=speech.engine, model=speech.model, device=speech.device, compute_type=speech.compute_type,
            language=speech.language, download=speech.download,
        ),
        chapters=ChapterPlan(min_room_s=settings.chapters.min_room_s, target_s=settings.chapters.target_s),
    )  # fmt: skip


def site_of(settings: Settings) -> Site:
    """The addresses listeners know."""
    return Site(public_url=settings.public_url, hub_url=settings.publish.hub_url)


def _store(settings: Settings, url: str) -> Store:
    return open_store(url, endpoint_url=settings.store.endpoint_url)
