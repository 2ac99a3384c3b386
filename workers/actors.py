"""The actors: a message names a queue and nothing else; whoever hears it asks the ledger what to do."""

from collections.abc import Callable

import dramatiq
from dramatiq import Broker

Hear = Callable[[str], None]


def declare(broker: Broker, hear: Hear) -> None:
    """Bind one actor for each queue to the broker; each calls `hear` with its queue."""

    @dramatiq.actor(broker=broker, queue_name="audio")
    def audio() -> None:
        hear("audio")

    @dramatiq.actor(broker=broker, queue_name="words")
    def words() -> None:
        hear("words")

    @dramatiq.actor(broker=broker, queue_name="publish")
    def publish() -> None:
        hear("publish")
