"""Settings become opened things: the only place that knows all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from feeds.site import Site
from pipeline.plan import ChapterPlan, CleanPlan, EncodePlan, FilterPlan, LevelPlan, Plan, ProbePlan, SpeechPlan
from pipeline.stores import Store, open_store
from workers.database import open_database
from workers.house import House
from workers.migrations import migrate
from workers.settings import Settings, load

if TYPE_CHECKING:
    from workers.broker import Bells


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
            plan=plan_of(settings), open_bells=cache(lambda: _bells(settings.redis_url)),
        )  # fmt: skip
    finally:
        database.close()


# ---- settings to plans


def plan_of(settings: Settings) -> Plan:
    """The installation's plan."""
    audio, speech = settings.audio, settings.speech
    return Plan(
        probe=ProbePlan(longest_s=settings.limits.room_s),
        filters=FilterPlan(denoise=audio.denoise),
        clean=CleanPlan(trim=audio.trim, shorten_pauses=audio.shorten_pauses),
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


def _bells(redis_url: str) -> "Bells":
    # dramatiq and Redis take longer to load than most commands take, and most ring nothing
    from workers.broker import Bells, open_broker

    return Bells(open_broker(redis_url))
