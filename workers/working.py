"""Whoever works in a house, in threads of this process. Here alone the bodies of all jobs are loaded."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from workers.broker import HANDS, Workers, start_workers, warn_of_clocks
from workers.errands import errands_of
from workers.house import House
from workers.jobs import bodies
from workers.late_words import ask_for_late_words
from workers.ledger import QUEUES, Bell
from workers.sweep import LEAVE_S, Sweeper
from workers.work_loop import WorkLoop


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
