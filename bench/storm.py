"""Workers are killed all the time and nothing is lost: kill -9 of a random worker every 2 s, while rooms arrive and readers poll.

    python -m bench.storm [--minutes 10] [--rooms 500] [--database sqlite|postgresql] [--store folder|s3] [--redis] [--markdown]

Real processes, ledger, door, stores and publishing; jobs sleep where the real ones listen and encode. The same pace of rooms with
nobody killed stands beside it. Exit status 1 when a room is lost or doubled, or any of the ten invariants does not hold.
"""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from bench.trial.services import Wanted
from bench.trial.storm import Storm, Weathered, calm, told, weather
from bench.trial.tables import table


def main() -> None:
    """Measure once and print."""
    asked = _asked()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wanted = Wanted(database=asked.database, store=asked.store, redis=asked.redis)
    storm = Storm(
        wanted=wanted, rooms=asked.rooms, blows_s=asked.minutes * 60, workers=asked.workers, work_s=asked.work, seed=asked.seed
    )  # fmt: skip
    fair, stormy = _blown(calm(storm)), _blown(storm)
    figures = told(stormy)
    rows = [(what, figure, figures[what]) for what, figure in told(fair).items()]
    print(table((f"{wanted}, {storm.workers} workers", "nobody killed", "storm"), rows, markdown=asked.markdown))
    for violation in (*fair.violations, *stormy.violations):
        print(f"  {violation}", file=sys.stderr)
    sys.exit(1 if stormy.lost or stormy.doubled or stormy.violations else 0)


def _blown(storm: Storm) -> Weathered:
    with tempfile.TemporaryDirectory(prefix="aircheck-storm-") as folder:
        return weather(storm, Path(folder))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rooms", type=int, default=500)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--store", choices=("folder", "s3"), default="folder")
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--work", type=float, default=0.5, metavar="SECONDS", help="sleep over a room's sound, and over its words")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
