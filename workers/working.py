"""Whoever works in a house, in threads of this process. Here alone the bodies of all jobs are loaded."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from workers.broker import HANDS, Workers, start_workers, warn_of_clocks
from workers.ending import told_to_end, wait_until
from workers.errands import errands_of
from workers.house import House
from workers.jobs import bodies
from workers.late_words import ask_for_late_words
from workers.ledger import QUEUES, Bell
from workers.logs import set_up
from workers.settings import load
from workers.sweep import LEAVE_S, Sweeper
from workers.wiring import open_house
from workers.work_loop import WorkLoop

log = structlog.get_logger(__name__)


def run_workers(queues: Sequence[str], hands: Mapping[str, int] = HANDS, *, leashed: bool = False) -> None:
    """Work at those queues until SIGTERM or Ctrl-C; running jobs are given back. On a leash, until whoever started us has ended."""
    settings = load()
    set_up(secrets=settings.secrets)
    with told_to_end(leashed=leashed) as told, open_house(settings) as house, working(house, queues, hands):
        log.info("working", queues=list(queues))
        wait_until(told)


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


def loop_of(house: House) -> WorkLoop:
    """The loop that does this house's jobs."""
    return WorkLoop(house.database, bodies(house), ring=house.bells.ring)
