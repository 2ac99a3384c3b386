"""Whatever goes wrong with a worker, Redis, the database, the store or a disk: work goes on by itself, and nothing is lost."""

import shutil
from pathlib import Path

import pytest

from bench.trial.hosts import fake_clock, machine_of_its_own
from bench.trial.recoveries import SCENARIOS, SMALL, Recovered
from bench.trial.servers import postgres_programs
from pipeline.errors import Refused

# With one of these a trial takes half a minute or more.
SLOW = {
    "killed_beside", "killed_elsewhere", "clock_ahead", "redis_killed", "rough_store", "scratch_full", "frozen",
    "redis_partitioned", "database_restarted",
}  # fmt: skip
ON_POSTGRES = {"killed_beside", "killed_elsewhere", "stopped", "frozen", "clock_ahead", "database_restarted", "rough_store"}
ELSEWHERE = {"killed_elsewhere", "frozen", "clock_ahead"}
# Where nobody was struck nobody has to try again. A full disk is met by a job that had begun, and a database that restarts may
# keep a claim whose claimant never hears of it.
STRUCK = {"killed_beside", "killed_elsewhere", "stopped", "frozen", "scratch_full", "database_restarted"}
# A busy machine may take this long where an idle one takes a tenth.
AGAIN_WITHIN_S = 90.0


def named(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())


def skip_what_cannot_be(name: str) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian: redis-server)")
    if name in ON_POSTGRES and postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    if name == "clock_ahead" and fake_clock() is None:
        pytest.skip("libfaketime is not installed (Debian: faketime)")
    if name in ELSEWHERE:
        try:
            machine_of_its_own()
        except Refused as refused:
            pytest.skip(str(refused))


@pytest.mark.parametrize("name", [named(name) for name in SCENARIOS])
@pytest.mark.timeout(600)
def test_work_goes_on_and_nothing_is_lost(name: str, tmp_path: Path) -> None:
    skip_what_cannot_be(name)
    try:
        report = SCENARIOS[name](SMALL, tmp_path)
    except Refused as refused:
        pytest.skip(str(refused))
    assert report.violations == ()
    assert report.again_s < AGAIN_WITHIN_S
    assert most_tries(report) <= (2 if name in STRUCK else 1)
    assert report.requests <= 3.0


def most_tries(report: Recovered) -> int:
    return max(tries.total() for tries in report.tries)
