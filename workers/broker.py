"""The bell: dramatiq in memory on one machine, on Redis for many. It may be lost, doubled or late; the ledger is the truth.

What dramatiq brings along is set for short tasks that are the truth themselves, so it is set otherwise here:

* No middleware. Tries, their pauses, time limits and stopping are the ledger's, the heart's and the children's business: they
  count a try that ended its process, do not count a polite stop, and interrupt native code. An actor never raises and returns
  nothing, so that neither Retries nor Results nor ShutdownNotifications has anything to do.
* As many messages are fetched ahead as there are hands, or a bell that an idle sister could hear would wait behind an hour's work.
  The queue of delayed ones keeps its wide window: a narrow one ends the polling, and with it the heartbeat.
* Whoever works looks for the dead at every poll (by default at one in a thousand, which takes three minutes to find one); whoever
  only rings never does. A dead worker's bells, the delayed ones it had fetched among them, are heard again after a minute. Nobody
  waits for that: the sweep rings within seconds.
* Every error of Redis is one of the connection. dramatiq takes only some of them for that and ends the consumer's thread at the
  others (a timeout or a read-only replica met while delayed bells wait), in silence and for good.
* One Worker a queue, so that a long job at one does not use up another's hands.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from dramatiq import Broker, Message, Worker
from dramatiq.brokers.redis import MAINTENANCE_SCALE, RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name
from dramatiq.errors import BrokerConnectionError, ConnectionClosed
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers import actors
from workers.ledger.values import QUEUES, Bell
from workers.work_loop import WorkLoop

log = structlog.get_logger(__name__)

NAMESPACE = "aircheck"
HANDS: Mapping[str, int] = {"audio": 1, "words": 1, "publish": 2}
# So many bells unheard in a queue wake every hand there may be; one more would wake nobody.
ENOUGH_WAITING = 64
# How often an idle worker asks: twice that often on Redis, for the delayed bells too, which is what idle workers cost it.
LISTEN_S: Mapping[str, float] = {"audio": 0.5, "words": 1.0, "publish": 0.5}
LISTEN_IN_MEMORY_S = 0.25
# Redis that did not answer is left alone for so long: nobody who rings, such as the door, waits for it again and again.
LEFT_ALONE_S = 5.0
PATIENCE_S = 8.0
ABANDON_S = 3.0
SKEW_S = 5.0


def open_broker(redis_url: str) -> Broker:
    """A broker that knows every queue: on Redis, or in this process's memory when the address is empty."""
    broker: Broker = _on_redis(redis_url) if redis_url else StubBroker(middleware=[])
    for queue in QUEUES:
        broker.declare_queue(queue)
    return broker


class _Redis(RedisBroker):
    """dramatiq's, for whom every error of Redis is one of the connection."""

    def _dispatch(self, command: str) -> Callable[..., Any]:
        dispatch: Callable[..., Any] = super()._dispatch(command)  # type: ignore[no-untyped-call]

        def dispatched(*args: Any) -> Any:
            try:
                return dispatch(*args)
            except redis.RedisError as error:
                raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]

        return dispatched


def _on_redis(url: str) -> RedisBroker:
    client = redis.Redis.from_url(url, socket_connect_timeout=1.0, socket_timeout=3.0, retry=Retry(NoBackoff(), 1))
    return _Redis(  # type: ignore[no-untyped-call]
        client=client, namespace=NAMESPACE, heartbeat_timeout=60_000, maintenance_chance=0, middleware=[]
    )


class Bells:
    """Rings queues; whatever goes wrong with that costs time and nothing else, for the sweep rings again."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._left_alone_until = 0.0

    @property
    def are_heard_elsewhere(self) -> bool:
        """Whether other processes hear them too."""
        return isinstance(self.broker, RedisBroker)

    def ring(self, bell: Bell) -> None:
        """Wake somebody who works at that queue, now or after the bell's delay."""
        message: Message[None] = Message(queue_name=bell.queue, actor_name=bell.queue, args=(), kwargs={}, options={})
        if self._is_left_alone:
            return
        try:
            if self._unheard(dq_name(bell.queue) if bell.delay_s > 0 else bell.queue) < ENOUGH_WAITING:
                self.broker.enqueue(message, delay=round(bell.delay_s * 1000) or None)
        except (BrokerConnectionError, redis.RedisError) as error:
            self._leave_alone(error)

    def top_up(self, queue: str, wanted: int) -> None:
        """Ring until so many bells of the queue wait to be heard."""
        if wanted <= 0 or self._is_left_alone:
            return
        try:
            missing = wanted - self.waiting(queue)
        except redis.RedisError as error:
            self._leave_alone(error)
            return
        for _ in range(missing):
            self.ring(Bell(queue=queue))

    def waiting(self, queue: str) -> int:
        """How many bells of the queue nobody has heard yet."""
        return self._unheard(queue)

    def clock_s(self) -> float | None:
        """Redis's time; 0 when it does not answer, None where none is used."""
        if not isinstance(self.broker, RedisBroker):
            return None
        try:
            seconds, micros = self.broker.client.time()
        except redis.RedisError:
            return 0.0
        return float(seconds + micros / 1e6)

    def clock_skew_s(self) -> float:
        """How far the clock of Redis is from ours; 0 where there is none, or it does not answer."""
        clock_s = self.clock_s()
        return clock_s - time.time() if clock_s else 0.0

    def _unheard(self, name: str) -> int:
        if isinstance(self.broker, RedisBroker):
            return int(self.broker.client.llen(f"{NAMESPACE}:{name}"))
        assert isinstance(self.broker, StubBroker)
        return int(self.broker.queues[name].qsize())

    @property
    def _is_left_alone(self) -> bool:
        return time.monotonic() < self._left_alone_until

    def _leave_alone(self, error: Exception) -> None:
        self._left_alone_until = time.monotonic() + LEFT_ALONE_S
        log.warning("bells_away", error=str(error), next="the sweep rings when Redis is back")


def warn_of_clocks(bells: Bells) -> None:
    """Tell the log where our clock and that of Redis differ so much that bells are taken for those of the dead."""
    skew_s = bells.clock_skew_s()
    if abs(skew_s) > SKEW_S:
        log.warning(
            "clocks_differ",
            redis_is_ahead_s=round(skew_s, 1),
            next="jobs run as ever, some bells ring twice; timedatectl set-ntp true",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Worker threads of this process, one dramatiq worker for each queue."""

    loop: WorkLoop
    crews: tuple[Worker, ...]

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """Give running jobs back, end within that time and a moment more, and wake whoever else works at their queues."""
        self.loop.stop()
        ending = [threading.Thread(target=crew.stop, args=(round(patience_s * 1000),), daemon=True) for crew in self.crews]
        for thread in ending:
            thread.start()
        gives_up_at = time.monotonic() + patience_s
        for thread in ending:
            thread.join(max(0.0, gives_up_at - time.monotonic()))
        abandoning = threading.Thread(target=self.loop.abandon, daemon=True)
        abandoning.start()
        abandoning.join(ABANDON_S)
        for queue in sorted(self.loop.given_back):
            self.loop.ring(Bell(queue=queue))  # not before our own hands are gone, or they would be the ones who hear it


def start_workers(broker: Broker, loop: WorkLoop, queues: Sequence[str] = QUEUES, hands: Mapping[str, int] = HANDS) -> Workers:
    """Start working at the queues in threads of this process."""
    if isinstance(broker, RedisBroker):
        broker.maintenance_chance = MAINTENANCE_SCALE
    actors.declare(broker, loop.hear)
    crews = tuple(_crew(broker, queue, hands[queue]) for queue in queues)
    for crew in crews:
        crew.start()
        broker.middleware.clear()  # the crew has found its queue; what it leaves there makes dramatiq warn at the next
    return Workers(loop=loop, crews=crews)


def _crew(broker: Broker, queue: str, hands: int) -> Worker:
    listen_s = LISTEN_S[queue] if isinstance(broker, RedisBroker) else LISTEN_IN_MEMORY_S
    crew = Worker(broker, queues={queue}, worker_threads=hands, worker_timeout=round(listen_s * 1000))
    crew.queue_prefetch = hands
    return crew
