"""The bell: dramatiq in memory on one machine, on Redis for many. It may be lost, doubled or late; the ledger is the truth.

No middleware: retries, time limits and stopping are the ledger's and the children's business.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis
import structlog
from dramatiq import Broker, Message, Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerConnectionError

from workers import actors
from workers.ledger.values import QUEUES, Bell
from workers.work_loop import WorkLoop

log = structlog.get_logger(__name__)

NAMESPACE = "aircheck"
HANDS: Mapping[str, int] = {"audio": 1, "words": 1, "publish": 2}
# So many bells unheard in a queue wake every hand there may be; one more would wake nobody.
ENOUGH_WAITING = 64
LISTEN_S = 0.25
PATIENCE_S = 15.0


def open_broker(redis_url: str) -> Broker:
    """A broker that knows every queue: on Redis, or in this process's memory when the address is empty."""
    broker: Broker = _on_redis(redis_url) if redis_url else StubBroker(middleware=[])
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


def _on_redis(url: str) -> RedisBroker:
    # Consumers are told dead after a minute and looked for at every poll: with the defaults a killed worker's bell is silent for
    # three minutes. Redis out of reach must not hold up whoever rings.
    client = redis.Redis.from_url(url, socket_connect_timeout=1.0, socket_timeout=5.0)
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=client, namespace=NAMESPACE, heartbeat_timeout=60_000, maintenance_chance=1_000_000, middleware=[]
    )


class Bells:
    """Rings queues; whatever goes wrong with that costs time and nothing else, for the sweep rings again."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def ring(self, bell: Bell) -> None:
        """Wake somebody who works at that queue, now or after the bell's delay."""
        message: Message[None] = Message(queue_name=bell.queue, actor_name=bell.queue, args=(), kwargs={}, options={})
        try:
            if bell.delay_s > 0 or self.waiting(bell.queue) < ENOUGH_WAITING:
                self.broker.enqueue(message, delay=round(bell.delay_s * 1000) or None)
        except (BrokerConnectionError, redis.RedisError) as error:
            log.warning("bell_not_rung", queue=bell.queue, error=str(error), next="the sweep rings again")

    def top_up(self, queue: str, wanted: int) -> None:
        """Ring until so many bells of the queue wait to be heard."""
        try:
            missing = wanted - self.waiting(queue) if wanted > 0 else 0
        except redis.RedisError as error:
            log.warning("bells_not_counted", queue=queue, error=str(error), next="the sweep rings again")
            return
        for _ in range(missing):
            self.ring(Bell(queue=queue))

    def waiting(self, queue: str) -> int:
        """How many bells of the queue nobody has heard yet."""
        if isinstance(self.broker, RedisBroker):
            return int(self.broker.client.llen(f"{NAMESPACE}:{queue}"))
        assert isinstance(self.broker, StubBroker)
        return int(self.broker.queues[queue].qsize())


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Worker threads of this process, one dramatiq worker for each queue."""

    loop: WorkLoop
    crews: tuple[Worker, ...]

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """Give running jobs back and end within that time; what does not end is left to its lease."""
        self.loop.stop()
        ending = [threading.Thread(target=crew.stop, args=(round(patience_s * 1000),), daemon=True) for crew in self.crews]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join(patience_s)


def start_workers(broker: Broker, loop: WorkLoop, queues: Sequence[str] = QUEUES, hands: Mapping[str, int] = HANDS) -> Workers:
    """Start working at the queues in threads of this process."""
    actors.declare(broker, loop.hear)
    crews = tuple(_crew(broker, queue, hands[queue]) for queue in queues)
    for crew in crews:
        crew.start()
        broker.middleware.clear()  # the crew has found its queue; what it leaves there makes dramatiq warn at the next
    return Workers(loop=loop, crews=crews)


def _crew(broker: Broker, queue: str, hands: int) -> Worker:
    crew = Worker(broker, queues={queue}, worker_threads=hands, worker_timeout=round(LISTEN_S * 1000))
    crew.queue_prefetch = hands  # a bell that an idle sister could hear is not held back
    return crew
