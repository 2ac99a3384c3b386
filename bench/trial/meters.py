"""What services cost while hosts work: processor seconds, transactions that wrote, calls to Redis. Read before and after."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import redis

from bench.trial.services import Services

Number = TypeVar("Number", int, float)
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# What a client sends; what scripts call inside of Redis is counted by Redis as well.
SENT = ("eval", "evalsha", "llen", "lpush", "rpush", "zadd", "hset", "time", "ping", "config|get", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """Counts since the services began, or between two readings; None where there is no such service."""

    # transactions that changed something
    commits: int | None
    database_cpu_s: float | None
    redis_calls: int | None
    redis_cpu_s: float | None
    database_bytes: int

    def since(self, before: "Meter") -> "Meter":
        """What came to it after the earlier reading."""
        return Meter(
            commits=_less(self.commits, before.commits), database_cpu_s=_less(self.database_cpu_s, before.database_cpu_s),
            redis_calls=_less(self.redis_calls, before.redis_calls), redis_cpu_s=_less(self.redis_cpu_s, before.redis_cpu_s),
            database_bytes=self.database_bytes - before.database_bytes,
        )  # fmt: skip


def read_meter(there: Services) -> Meter:
    """What the services have done until now."""
    commits = there.postgres and int(str(there.postgres.run("SELECT pg_current_xact_id()::text::bigint")[0][0]))
    calls, redis_cpu_s = _redis(there.redis.url) if there.redis else (None, None)
    return Meter(
        commits=commits, database_cpu_s=family_cpu_s(there.postgres.pid) if there.postgres else None,
        redis_calls=calls, redis_cpu_s=redis_cpu_s, database_bytes=_database_bytes(there),
    )  # fmt: skip


def _database_bytes(there: Services) -> int:
    if there.postgres:
        return int(str(there.postgres.run("SELECT pg_database_size('pods')")[0][0]))
    path = Path(there.settings["database_url"].removeprefix("sqlite:///"))
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def family_cpu_s(pid: int) -> float:
    """Processor seconds of a process, of its children that live and of those it has waited for."""
    own = _stat(Path(f"/proc/{pid}"))
    children = (_stat(path) for path in Path("/proc").iterdir() if path.name.isdigit())
    ticks = sum(own[11:15]) + sum(sum(stat[11:13]) for stat in children if stat and stat[1] == pid)
    return ticks / TICKS_A_SECOND


def _stat(process: Path) -> list[int]:
    """The numbers after the state in /proc/PID/stat, the first place left empty for it; nothing of a process that has ended."""
    try:
        return [0, *map(int, (process / "stat").read_text().rpartition(")")[2].split()[1:])]
    except OSError:
        return []


def _redis(url: str) -> tuple[int, float]:
    with redis.Redis.from_url(url) as client:
        stats, cpu = client.info("commandstats"), client.info("cpu")
    calls = sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in SENT)
    return calls, float(cpu["used_cpu_sys"]) + float(cpu["used_cpu_user"])


def _less(now: Number | None, before: Number | None) -> Number | None:
    return None if now is None or before is None else now - before
