"""The process of a host whose work is quick: `aircheck work` in everything but the bodies of its jobs.

    python -m bench.trial.host SPEED [--words-speed S] [--lease S] [--queues audio,words,publish]

Settings come from the environment, as for any worker. A room of an hour takes 3600 / SPEED seconds of sleep; with SPEED inf nothing
at all is done in a job.
"""

import argparse
import math

from bench.trial.nothing import nothing_bodies
from bench.trial.quick import quick_bodies
from workers import working
from workers.house import House
from workers.ledger import LEASE_S, QUEUES
from workers.work_loop import WorkLoop


def main() -> None:
    """Work until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speed", type=float)
    parser.add_argument("--words-speed", type=float)
    parser.add_argument("--lease", type=float, default=LEASE_S)
    parser.add_argument("--queues", default=",".join(QUEUES))
    asked = parser.parse_args()

    def quick_loop(house: House) -> WorkLoop:
        nothing = math.isinf(asked.speed)
        bodies = nothing_bodies(house) if nothing else quick_bodies(house, asked.speed, words_speed=asked.words_speed)
        return WorkLoop(house.database, bodies, ring=house.bells.ring, lease_s=asked.lease)

    working.loop_of = quick_loop
    working.run_workers(asked.queues.split(","))


if __name__ == "__main__":
    main()
