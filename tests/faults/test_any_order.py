"""Events doubled, late and out of order, workers that die anywhere, bells lost and doubled, clocks turned, stores in trouble, and
people who pause, cancel and try again: however it comes, all ten invariants hold in the end, and to every reader meanwhile."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty

import pytest
from crash_points import POINTS
from crash_trials import KILLED, settings_from, surroundings
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from nursery import Nursery
from quick_trials import HIDDEN, bodies_where_the_bad_fail, is_left, quick_rooms, send
from sqlalchemy import update
from troubled_store import TroubledStore
from turned_clock import turn

from bench.trial.checker import violations
from bench.trial.evidence import Ending, Evidence, ending_of
from bench.trial.reader import Reader
from feeds.from_store import from_store
from pipeline.errors import Refused
from workers import ledger
from workers.broker import HANDS
from workers.errands import errands_of
from workers.house import House
from workers.ledger import QUEUES, Bell, JobRow
from workers.sweep import CHORES, Sweeper
from workers.wiring import open_house
from workers.work_loop import WorkLoop

ROOMS = quick_rooms()
SEAMS = [point for point in POINTS if any(word in point for word in ("claim", "heartbeat", "finish", "fail", "public", "private"))]
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
STEADY = 12
Step = tuple[object, ...]

a_room = st.sampled_from([room.recording_id for room in ROOMS])
a_queue = st.sampled_from(QUEUES)
what_happens: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("ends"), a_room, st.integers(1, 5)),
    st.tuples(st.just("hear"), a_queue),
    st.tuples(st.just("hear"), a_queue),
    st.tuples(st.just("dies"), a_queue, st.sampled_from(SEAMS), st.integers(1, 3)),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("flush")),
    st.tuples(st.just("double"), a_queue),
    st.tuples(st.just("turn_clock"), st.sampled_from([HOUR_S, -HOUR_S, -300.0])),
    st.tuples(st.just("go_elsewhere")),
    st.tuples(st.just("trouble"), st.lists(st.sampled_from(["away", "full", "wrong", "late"]), min_size=1, max_size=4)),
    st.tuples(st.just("pause"), a_queue),
    st.tuples(st.just("cancel"), a_room),
    st.tuples(st.just("retry"), a_room),
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all examples share: a nursery, an empty house to copy, and how it ends when nothing happens."""

    nursery: Nursery
    empty: Path
    undisturbed: Ending


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("any-order")
    nursery = Nursery(folder / "said")
    try:
        nursery.here("quick_empty", environment_of(folder / "empty"))
        shutil.copytree(folder / "empty", folder / "undisturbed")
        nursery.here("quick_trial", environment_of(folder / "undisturbed"))
        with open_house(settings_from(environment_of(folder / "undisturbed"))) as house:
            undisturbed = ending_of(house)
        yield Setting(nursery=nursery, empty=folder / "empty", undisturbed=undisturbed)
    finally:
        nursery.close()


def environment_of(folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    return surroundings(folder, folder, folder / "seeds")


class World:
    """A house, its platform, its workers and its people, one thing after another."""

    def __init__(self, house: House, setting: Setting, environment: Mapping[str, str]) -> None:
        self.ahead_s = 0.0
        turn(house.database, lambda: self.ahead_s)
        self.plain = house
        self.public, self.private = TroubledStore(house.public), TroubledStore(house.private)
        self.house = replace(house, public=self.public, private=self.private)
        self.setting = setting
        self.environment = environment
        self.bodies = bodies_where_the_bad_fail(self.house)
        self.sweeper = Sweeper(house.database, house.bells, hands=HANDS, chores=CHORES)
        self.events = itertools.count()
        self.reader = Reader(from_store(house.public, house.site), house.site.url("tuesday/feed.xml"))

    # ---- what happens

    def ends(self, recording_id: str, times: int = 1) -> None:
        """The platform tells of it, several times, the last time as an event of its own."""
        room = next(room for room in ROOMS if room.recording_id == recording_id)
        for n in range(times):
            send(self.plain, room, f"again-{next(self.events)}" if n == 4 else "")
        self.house.ring([Bell(queue="audio")])

    def hear(self, queue: str) -> None:
        """Somebody hears a bell of the queue, if one is waiting, and does one job."""
        try:
            self.plain.bells.broker.queues[queue].get_nowait()
        except Empty:
            return
        WorkLoop(self.house.database, self.bodies, ring=self.house.bells.ring).work_one(queue)

    def dies(self, queue: str, point: str, nth: int = 1) -> bool:
        """Somebody does one job of the queue and dies at that seam, if it comes there; whether it did. Its bells are lost."""
        told = {"CRASH_AT": point, "CRASH_NTH": str(nth), "QUEUE": queue, "CLOCK_AHEAD_S": str(self.ahead_s)}
        status = self.setting.nursery.run("quick_step", {**self.environment, **told})
        assert status in (0, *KILLED)
        return status != 0

    def sweep(self) -> None:
        self.sweeper.sweep()

    def flush(self) -> None:
        """Every bell is forgotten."""
        for queue in QUEUES:
            self.plain.bells.broker.flush(queue)

    def double(self, queue: str) -> None:
        self.house.ring([Bell(queue=queue), Bell(queue=queue)])

    def turn_clock(self, by_s: float) -> None:
        self.ahead_s += by_s

    def go_elsewhere(self) -> None:
        """Whoever works, or has died, is on a machine that nobody can see into."""
        self._change(owner="elsewhere/place/1/1")

    def trouble(self, kinds: Sequence[str]) -> None:
        self.public.is_in_for(*kinds)
        self.private.is_in_for(*kinds[1:])

    def pause(self, queue: str) -> None:
        with self.house.database.begin() as session:
            ledger.pause(session, queue)

    def cancel(self, recording_id: str) -> None:
        with self.house.database.begin() as session:
            ledger.cancel(session, recording_id)

    def retry(self, recording_id: str) -> None:
        try:
            with self.house.database.begin() as session:
                bells = ledger.retry(session, recording_id)
        except Refused:
            return
        self.house.ring(bells)

    def _change(self, **values: object) -> None:
        with self.house.database.begin() as session:
            session.execute(update(JobRow).where(JobRow.state == "running").values(values))

    # ---- how it comes to rest

    def comes_to_rest(self) -> None:
        """Nothing is in the way any more, people try again what they had ended, and time goes by."""
        self.public.recovers()
        self.private.recovers()
        for queue in QUEUES:
            with self.house.database.begin() as session:
                ledger.resume(session, queue)
        for room in ROOMS:
            self.ends(room.recording_id)
        self._settles()
        for room in ROOMS:
            self.retry(room.recording_id)
        self._settles()

    def a_day_later(self) -> None:
        """Every event comes once more, the last one first."""
        self.ahead_s += DAY_S
        for room in reversed(ROOMS):
            self.ends(room.recording_id, 5)
        self._settles()

    def _settles(self) -> None:
        for _ in range(40):
            for errand in errands_of(self.plain):
                errand.run()
            if not is_left(self.plain):
                return
            self.ahead_s += HOUR_S
            self.sweep()
            for queue in QUEUES:
                self.hear(queue)
                self.hear(queue)
            self.reader.read()
        raise AssertionError("it does not come to rest")


@contextmanager
def a_world(setting: Setting) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "house"
        shutil.copytree(setting.empty, folder)
        environment = environment_of(folder)
        with open_house(settings_from(environment)) as house:
            yield World(house, setting, environment)


def examples() -> int:
    """Few in the suite, which tries the same each time; as many as the profile says where somebody explores."""
    return STEADY if settings.default.derandomize else settings.default.max_examples


@pytest.mark.timeout(300 + 15 * examples())
@settings(max_examples=examples(), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
@given(steps=st.lists(what_happens, min_size=4, max_size=14))
def test_whatever_happens_in_whatever_order_the_invariants_hold(setting: Setting, steps: list[Step]) -> None:
    with a_world(setting) as world:
        for name, *told in steps:
            step: Callable[..., None] = getattr(world, str(name))
            step(*told)
            world.reader.read()
        world.comes_to_rest()
        world.a_day_later()
        note(f"read {world.reader.history.reads} times, {world.reader.history.changes} feeds")
        evidence = Evidence(
            house=world.plain, acknowledged=[room.recording_id for room in ROOMS], bad=["bad"], hidden=HIDDEN,
            histories=[world.reader.history], undisturbed=setting.undisturbed, clock_moved=True,
        )  # fmt: skip
        assert [str(violation) for violation in violations(evidence)] == []


def test_a_step_in_which_somebody_dies_is_one(setting: Setting) -> None:
    with a_world(setting) as world:
        world.ends("good-1")
        assert world.dies("audio", "half put of public audio")
        assert not world.dies("audio", "half put of public feed")
        world.comes_to_rest()
        with world.plain.database.read() as session:
            found = ledger.run(session, "good-1")
    assert found and [(job.kind, job.state, job.tries) for job in found.jobs] == [("audio", "done", 2), ("words", "done", 1)]
