"""Episodes of one show that finish in the same moment: when they are in the feed, and how often it was written.

python bench/together.py [EPISODES]        default: 50; by the real ledger and publishing, into a folder and into S3
"""

import logging
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from bench.trial.quick import quick_bodies
from bench.trial.servers import S3_CREDENTIALS, S3Server
from bench.trial.stores import Over
from feeds.catalogue import Show, ShowRow, add_show
from pipeline.models import Recording
from pipeline.stores import Stat
from workers.broker import start_workers
from workers.heart import Heart
from workers.house import House
from workers.intake import IntakeRules, accept
from workers.ledger import Claim
from workers.settings import Settings, StoreSettings
from workers.wiring import open_house
from workers.work_loop import Outcome, WorkLoop

PUBLIC_URL = "https://pods.example"


class Counted(Over):
    """A store that counts the feeds that are put."""

    feeds = 0

    def put(self, key: str, content: bytes | Path, **about: Any) -> Stat:
        self.feeds += key.endswith("/feed.xml")
        return self.store.put(key, content, **about)


def burst(count: int, where: str, settings: Settings) -> None:
    """So many episodes have been uploaded and are finished in the same moment; a line about when they are in the feed."""
    with open_house(settings) as opened:
        public = Counted(opened.public)
        house = replace(opened, public=public)
        with house.database.begin() as session:
            show = add_show(session, "tuesday", PUBLIC_URL)
        receive(house, count)
        workers = start_workers(house.bells.broker, publishing(house), ("publish",))
        try:
            last_s = finish_at_once(house, count)
            began = time.monotonic()
            while not all_in_feed(house, show, count):
                time.sleep(0.01)
            took_s = time.monotonic() - began
        finally:
            workers.stop()
    print(
        f"{count} episodes at once, {where}: finished within {last_s:.2f} s, "
        f"in the feed {took_s:.2f} s later, {public.feeds} feed writes"
    )


def receive(house: House, count: int) -> None:
    rules = IntakeRules(default_show="tuesday", public_url=PUBLIC_URL)
    rooms = [f"room-{n}" for n in range(count)]
    ended = datetime.now(UTC)
    with house.database.begin() as session:
        for name in rooms:
            room = Recording(recording_id=name, engine="bench", session_id=name, name="bench", started_at=ended)
            accept(session, room, "/rooms", provider="bench", event_id=name, defaults=rules)


def publishing(house: House) -> WorkLoop:
    return WorkLoop(house.database, quick_bodies(house, speed=1e9), ring=house.bells.ring)


def finish_at_once(house: House, count: int) -> float:
    """Every audio job is brought to its last moment, then all are let go; seconds until the last has been committed."""
    quick, ready = quick_bodies(house, speed=1e9)["audio"], threading.Barrier(count + 1)

    def audio(claim: Claim, heart: Heart) -> Outcome:
        outcome = quick(claim, heart)
        ready.wait()
        return outcome

    loop = WorkLoop(house.database, {"audio": audio}, ring=house.bells.ring)
    with ThreadPoolExecutor(count) as hands:
        for _ in range(count):
            hands.submit(loop.work_one, "audio")
        ready.wait()
        began = time.monotonic()
    return time.monotonic() - began


def all_in_feed(house: House, show: Show, count: int) -> bool:
    with house.database.read() as session:
        row = session.get_one(ShowRow, show.id)
    return row.feed_rev == row.published_rev and (house.public.get("tuesday/feed.xml") or b"").count(b"<item>") == count


def bursts(count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        burst(count, "folder", Settings(data_dir=Path(scratch), public_url=PUBLIC_URL))
    with tempfile.TemporaryDirectory() as scratch, S3Server() as server:
        os.environ.update(S3_CREDENTIALS)
        public, private = (f"s3://{server.make_bucket(name)}" for name in ("public", "private"))
        stores = StoreSettings(url=public, private_url=private, endpoint_url=server.url)
        burst(count, "S3", Settings(data_dir=Path(scratch), public_url=PUBLIC_URL, store=stores))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    bursts(int(sys.argv[1]) if sys.argv[1:] else 50)
