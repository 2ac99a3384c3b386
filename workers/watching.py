"""`aircheck watch`: what lands in a folder and has finished growing is accepted and worked off in the same process."""

from dataclasses import replace
from pathlib import Path

import structlog

from feeds.catalogue import find_show
from pipeline.errors import Refused
from workers.ending import told_to_end
from workers.intake import Arrival
from workers.reception import Reception
from workers.rooms import Gathered
from workers.watch import watch
from workers.wiring import open_house
from workers.working import working

log = structlog.get_logger(__name__)


def watch_and_work(folder: Path, *, show: str, quiet_s: float) -> None:
    """Watch until interrupted; running jobs are given back."""
    with open_house() as house:
        with house.database.read() as session:
            if find_show(session, show) is None:
                raise Refused(f"there is no show {show}; make it: aircheck show add {show}", code="unknown_show")
        reception = Reception.of(house)
        with told_to_end() as told, working(house):
            log.info("watching", folder=str(folder), show=show)
            watch(folder, lambda gathered: _take(reception, gathered, show), quiet_s=quiet_s, stop=told)


def _take(reception: Reception, gathered: Gathered, show: str) -> None:
    """Accept what landed; what can never be an episode is told in the log and left where it is. `Broken` is tried again."""
    recording = replace(gathered.recording, show=show)
    try:
        taken = reception.take(Arrival.of(recording, gathered.root, provider="watch")).result()
    except Refused as error:
        log.warning("not_taken", recording=recording.recording_id, why=str(error))
    else:
        log.info("known" if taken.known else "accepted", recording=taken.run, show=show)
