"""Redis, which carries the bells: it may lose them, yet how it is set up decides how often that happens."""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from workers.doctor.findings import ANSWER_S, Finding, bad, timed, well, worrying
from workers.settings import Settings

SLOW_S = 0.05
PINGS = 5


def redis(settings: Settings) -> Iterator[Finding]:
    """Every finding about it."""
    if not settings.redis_url:
        yield well("redis", "not used: bells ring within one process (redis_url is empty)")
        return
    import redis as library

    with library.Redis.from_url(settings.redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as client:
        try:
            took_s = statistics.median(_pinged(client) for _ in range(PINGS))
            seconds, micros = client.time()
            version = client.info("server")["redis_version"]
        except library.RedisError as error:
            yield bad("redis", f"does not answer: {error}", "start it, or correct redis_url")
            return
        yield timed("redis", f"Redis {version} answers within {took_s * 1000:.1f} ms", seconds + micros / 1e6)
        if took_s > SLOW_S:
            yield worrying("redis.latency", f"it needs {took_s * 1000:.0f} ms to answer", "put Redis nearer to the workers")
        yield from _kept(client)


def _pinged(client: Any) -> float:
    began = time.monotonic()
    client.ping()
    return time.monotonic() - began


def _kept(client: Any) -> Iterator[Finding]:
    """What becomes of bells when it ends or fills up."""
    from redis import ResponseError

    try:
        said = {key: client.config_get(key).get(key, "") for key in ("appendonly", "appendfsync", "maxmemory-policy", "maxmemory")}
    except ResponseError:
        yield well("redis.kept", "it does not tell how it keeps what it holds")
        return
    if said["appendonly"] != "yes" or said["appendfsync"] == "no":
        lost = "bells that wait are lost when it ends; the sweep rings again within 10 s"
        yield worrying("redis.kept", lost, "appendonly yes, appendfsync everysec")
    if said["maxmemory"] not in ("", "0") and said["maxmemory-policy"] != "noeviction":
        thrown = f"when it is full it throws bells away ({said['maxmemory-policy']})"
        yield worrying("redis.memory", thrown, "maxmemory-policy noeviction")
