"""A worker process with its platform beside it, that may die at any named point (crash_points.py), and a nursery of such processes.

    crashing_worker.py WORK     one process that does that WORK in the house its environment describes
    crashing_worker.py          a nursery: reads orders, forks a warm process for each, tells its pid and how it ended

What takes long is done once: the sound of the rooms is made by the real stages in the first trial and kept as seeds, which later
trials find in their scratch as if an earlier try had left it there. Fetching, stamping, storing, committing, publishing are real.
"""

import contextlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crash_points import Points, may_die_writing
from crash_rooms import acknowledge, crash_rooms, make_show, show_again
from crashing_seams import WatchedBells, watched
from quick_trials import bodies_where_the_bad_fail, is_left, quick_rooms, send
from quick_trials import work_off as quick_work_off
from turned_clock import turn

from bench.trial.quick import CHAPTERS, WORDS, sound_of
from feeds.change import SoundChange
from pipeline import story
from pipeline.journal import write_whole
from pipeline.stores.s3 import sending
from workers import jobs, logs
from workers.broker import HANDS, start_workers
from workers.changing import change
from workers.errands import errands_of
from workers.heart import Heart
from workers.house import House
from workers.job import Job, open_job, scratch_of
from workers.ledger import LEASE_S, QUEUES, Claim
from workers.ledger.asking import REST_S
from workers.sweep import Sweeper
from workers.wiring import open_house
from workers.work_loop import Outcome, Perform, WorkLoop, silent

SWEEPS_EVERY_S = 0.2
SLICE = "0" * 64


# ---- what a process is told to do


def trial(house: House, points: Points) -> None:
    """Every room ends, or only those that are named, and is worked off; whatever had been done before is not done again."""
    rooms_end(house)
    work_off(house, points)


def alone(house: House, points: Points) -> None:
    """The same with one job at a time, no sweeper and no errands beside it."""
    rooms_end(house)
    points.turn = house.database.turn
    loop = loop_of(house, bodies(house))
    while is_left(house):
        for queue in QUEUES:
            loop.hear(queue)


def rooms_end(house: House) -> None:
    """The platform tells of its rooms; what takes long to make of them lies in scratch already."""
    make_show(house)
    for room in crash_rooms(os.environ.get("ONLY", "").split()):
        acknowledge(house, room, Path(os.environ["ROOMS"]))
        sow(house, room.recording_id)


def hide(house: House, points: Points) -> None:
    """The show is closed and opened again."""
    show_again(house, "private")
    work_off(house, points)
    open_again(house, points)


def open_again(house: House, points: Points) -> None:
    """The show is open, whatever it was."""
    show_again(house, "public")
    work_off(house, points)


def edit(house: House, points: Points) -> None:
    """A creator cuts half a second out of a room, and it is worked off; asked for again, it is the same edit."""
    with house.database.begin() as session:
        change(session, "one", SoundChange(cut=["0:01.2-0:01.7"]))
    work_off(house, points)


def quick_empty(house: House, points: Points) -> None:
    """A house with its show and its quick sound."""
    make_show(house)
    sound_of(house)


def quick_trial(house: House, points: Points) -> None:
    """Rooms with quick sound end, and are worked off."""
    for recording in quick_rooms():
        send(house, recording)
    quick_work_off(house, bodies_where_the_bad_fail(house))


def quick_step(house: House, points: Points) -> None:
    """One job of one queue, by a clock that may be turned."""
    turn(house.database, lambda: float(os.environ["CLOCK_AHEAD_S"]))
    WorkLoop(house.database, bodies_where_the_bad_fail(house), ring=silent).work_one(os.environ["QUEUE"])


def quick_crowd(house: House, points: Points) -> None:
    """Be one of several processes of workers, with quick sound, until nothing is left."""
    work_off(house, points, bodies_where_the_bad_fail(house))


WORKS: Mapping[str, Callable[[House, Points], None]] = {
    work.__name__: work for work in (trial, alone, hide, open_again, edit, quick_empty, quick_trial, quick_step, quick_crowd)
}


def work_off(house: House, points: Points, of_jobs: Mapping[str, Perform] | None = None) -> None:
    """Be one process of workers until nothing is left, or somebody asks to stop."""
    stopping, loop = threading.Event(), loop_of(house, of_jobs or bodies(house))
    points.stop = lambda: (stopping.set(), loop.stop())
    with at_work(house, points, loop):
        while is_left(house) and not stopping.is_set():
            stopping.wait(0.03)


@contextlib.contextmanager
def at_work(house: House, points: Points, loop: WorkLoop) -> Iterator[None]:
    """Workers of every queue and a sweeper, as `aircheck up` has them."""
    sweeper = Sweeper(house.database, house.bells, hands=HANDS, errands=errands_of(house), every_s=SWEEPS_EVERY_S)
    workers = start_workers(house.bells.broker, loop)
    house.bells.broker.middleware.append(WatchedBells(points))
    sweeper.start()
    try:
        yield
    finally:
        sweeper.stop()
        workers.stop()


def loop_of(house: House, of_jobs: Mapping[str, Perform]) -> WorkLoop:
    lease_s = float(os.environ.get("LEASE_S") or LEASE_S)
    return WorkLoop(house.database, of_jobs, ring=house.bells.ring, lease_s=lease_s)


# ---- jobs, all real but for the recogniser


def bodies(house: House) -> Mapping[str, Perform]:
    """The bodies of the workers; what the recogniser hears is always the same."""
    real = jobs.bodies(house)

    def words(claim: Claim, heart: Heart) -> Outcome:
        job = open_job(house, claim, heart)
        outcome = _words(job)
        keep_seeds(job)
        return outcome

    return {**real, "words": words}


def _words(job: Job) -> Outcome:
    story.hear(job.recording, job.fetched(), job.plan, job.shop)
    job.shop.slices.put(SLICE, b"{}")
    return jobs.complete(job, WORDS, CHAPTERS)


def keep_seeds(job: Job) -> None:
    """What the real stages made of the first room is kept for the rooms of later trials; what is stamped is not."""
    seeds = Path(os.environ["SEEDS"])
    if seeds.exists():
        return
    part = seeds.with_suffix(".part")
    shutil.copytree(job.shop.scratch, part, ignore=shutil.ignore_patterns("stamp-*", "stored", "source", "cover.jpg"))
    for note in (part / "journal").iterdir():
        note.write_text(note.read_text().replace(str(job.shop.scratch), "SCRATCH"))
    part.rename(seeds)


def sow(house: House, run_id: str) -> None:
    """Let the run find in scratch what the stages would make, unless it has begun."""
    seeds, scratch = Path(os.environ["SEEDS"]), scratch_of(house, run_id)
    if not seeds.exists() or scratch.exists():
        return
    shutil.copytree(seeds, scratch)
    for note in (scratch / "journal").iterdir():
        write_whole(note, note.read_bytes().replace(b"SCRATCH", str(scratch).encode()))


# ---- processes


def be(work: str) -> None:
    """Do that work in the house that the environment describes, with its seams watched."""
    points = Points(os.environ)
    with Path(os.environ["LOG"]).open("a") as log:
        logs.set_up(stream=log)
        if os.environ.get("IN_PARTS"):
            sending.WHOLE_BYTES = 1
        with open_house() as house:
            WORKS[work](watched(house, points), points)


def nursery() -> None:
    """Work once with nobody looking, then fork whoever is ordered; an order is {"work", "environment"} or {"wait": pid}."""
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        elif order.get("here"):
            answer = _here(order)
        else:
            answer = {"pid": _fork(order)}
        print(json.dumps(answer), flush=True)


def _here(order: dict[str, Any]) -> dict[str, Any]:
    """In this process, so that whoever is forked later is warm; no thread may be left."""
    os.environ.update(order["environment"])
    be(order["work"])
    left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return {"threads": left}


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.environ.update(order["environment"])
        be(order["work"])
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    may_die_writing()
    REST_S["feed"] = 0.05
    if sys.argv[1:]:
        be(sys.argv[1])
    else:
        nursery()
