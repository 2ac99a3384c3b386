"""What has to be looked after now and then, apart from any job: stores, scratch, feeds, alarms. The sweeper runs them."""

from collections.abc import Callable
from dataclasses import dataclass

from workers.alarms import alarm
from workers.house import House
from workers.job import clear_abandoned
from workers.ledger.history import forget_old_feeds
from workers.originals import forget_originals
from workers.repair import EVERY_S, repair_episodes, repair_feeds

# Nobody writes one object for so long.
LEFT_BEHIND_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something done every so often, outside of any transaction; it may be slow, and may fail without harm to the others."""

    name: str
    every_s: float
    run: Callable[[], object]
    # on every machine, not by one process for all
    everywhere: bool = False


def errands_of(house: House) -> tuple[Errand, ...]:
    """Every errand of that house."""
    return (
        Errand(name="clear_scratch", every_s=600.0, run=lambda: clear_abandoned(house), everywhere=True),
        Errand(name="forget_old_feeds", every_s=3600.0, run=lambda: house.database.patiently(forget_old_feeds)),
        Errand(name="repair_feeds", every_s=EVERY_S, run=lambda: repair_feeds(house)),
        Errand(name="repair_episodes", every_s=EVERY_S, run=lambda: repair_episodes(house)),
        Errand(name="forget_originals", every_s=3_600.0, run=lambda: forget_originals(house)),
        Errand(name="tidy_stores", every_s=3_600.0, run=lambda: tidy_stores(house)),
        Errand(name="alarm", every_s=60.0, run=lambda: alarm(house)),
    )


def tidy_stores(house: House) -> int:
    """How many leftovers of writers that were killed are gone from both stores now."""
    return sum(store.tidy(LEFT_BEHIND_S) for store in (house.public, house.private))
