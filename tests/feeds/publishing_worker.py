"""A process that publishes whatever feed is due, until its standard input ends.

publishing_worker.py DATABASE_URL DATA_FOLDER STORE_URL ENDPOINT_URL AT_THE_FEED [blind]

AT_THE_FEED is what it does once, in the last moment before it puts a feed: `go on`, `stand still` until it is woken, or `stand
still and die` once that feed is put. With `blind` its store knows no conditions.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from fakes_feeds import Diary
from fakes_house import a_house

from pipeline.stores import Stat, Store, open_store
from workers import publishing
from workers.database import open_database
from workers.house import House
from workers.work_loop import WorkLoop, silent

LEASE_S = 2.0
LOOK_AGAIN_S = 0.05


class Held(Diary):
    """A store before whose feed somebody falls asleep."""

    def __init__(self, store: Store, *, at_the_feed: str, blind: bool) -> None:
        super().__init__(store)
        self.at_the_feed, self.blind = at_the_feed, blind

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        if self.blind:
            about.pop("if_match", None)
        if not key.endswith("feed.xml") or self.at_the_feed == "go on":
            return super().put(key, content, **about)
        at_the_feed, self.at_the_feed = self.at_the_feed, "go on"
        os.kill(os.getpid(), signal.SIGSTOP)
        stat = super().put(key, content, **about)
        if at_the_feed == "stand still and die":
            os.kill(os.getpid(), signal.SIGKILL)
        return stat


def house_of(url: str, folder: str, store_url: str, endpoint_url: str, at_the_feed: str, *blind: str) -> House:
    """The house with its public store as these words describe it."""
    public = Held(open_store(store_url, endpoint_url=endpoint_url), at_the_feed=at_the_feed, blind=bool(blind))
    return replace(a_house(open_database(url), Path(folder), public_url="https://pods.example"), public=public)


def main(*words: str) -> None:
    house = house_of(*words)
    loop = WorkLoop(house.database, publishing.silent_bodies(house), ring=silent, lease_s=LEASE_S)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(LOOK_AGAIN_S):
        loop.hear("publish")
    house.database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
