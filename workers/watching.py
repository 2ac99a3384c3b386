"""`aircheck watch`: what lands in a folder and has finished growing is accepted and worked off in the same process."""

import threading
from dataclasses import replace
from pathlib import Path

import structlog

from feeds.catalogue import find_show
from pipeline.errors import AircheckError, Refused
from workers.house import House
from workers.rooms import gather
from workers.serving import take_in
from workers.watch import watch
from workers.wiring import open_house, working

log = structlog.get_logger(__name__)


def watch_and_work(folder: Path, *, show: str, quiet_s: float) -> None:
    """Watch until interrupted; running jobs are given back."""
    with open_house() as house:
        with house.database.read() as session:
            if find_show(session, show) is None:
                raise Refused(f"there is no show {show}; make it: aircheck show add {show}", code="unknown_show")
        with working(house):
            log.info("watching", folder=str(folder), show=show)
            watch(folder, lambda path: _take(house, path, show), quiet_s=quiet_s, stop=threading.Event())


def _take(house: House, path: Path, show: str) -> None:
    """Accept what landed; what can never be an episode is told in the log and left where it is."""
    try:
        gathered = gather([path])
        taken = take_in(house, replace(gathered.recording, show=show), gathered.root, provider="watch")
    except AircheckError as error:
        log.warning("not_taken", file=path.name, why=str(error))
    else:
        log.info("known" if taken.known else "accepted", file=path.name, recording=taken.run, show=show)
