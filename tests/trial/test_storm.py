"""Workers are killed every two seconds while rooms arrive and readers poll: nothing is lost, doubled, or ever shown wrong."""

import shutil
from pathlib import Path

import pytest

from bench.trial.servers import postgres_programs
from bench.trial.services import Wanted
from bench.trial.storm import Storm, weather

SHORT = Storm(wanted=Wanted(database="sqlite", redis=True), rooms=100, blows_s=120.0)
FAR_APART = Storm(wanted=Wanted(database="postgresql", store="s3", redis=True), rooms=100, blows_s=120.0)


@pytest.mark.parametrize(
    "storm",
    [pytest.param(SHORT, id="one-machine"), pytest.param(FAR_APART, id="many-machines", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(900)
@pytest.mark.first
def test_a_storm_loses_nothing_doubles_nothing_and_no_reader_sees_it(storm: Storm, tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("Redis is not installed (Debian: redis-server)")
    if storm.wanted.database == "postgresql" and postgres_programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    weathered = weather(storm, tmp_path)
    assert weathered.violations == ()
    assert (weathered.acknowledged, weathered.lost, weathered.doubled) == (storm.rooms, (), ())
    assert weathered.kills >= storm.blows_s / 4
    assert any(tries["lost"] for tries in weathered.tries), "no kill has met a job"
    assert weathered.most_tries <= 5
    assert all(history.seen for history in weathered.histories)
    assert sum(len(history.seen) for history in weathered.histories) == storm.rooms
