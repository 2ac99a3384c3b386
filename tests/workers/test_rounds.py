"""Errands are run at their own pace, by one process or by each, and never in anybody's way."""

import threading
from collections.abc import Callable

from fakes_work import until
from structlog.testing import capture_logs

from workers.broker import HANDS, Bells, open_broker
from workers.database import Database
from workers.errands import Errand
from workers.rounds import Rounds
from workers.sweep import Sweeper


def errand(run: Callable[[], object], **said: object) -> Errand:
    return Errand(**{"name": "tidy", "every_s": 0.05, "run": run, **said})


def test_an_errand_is_run_now_and_again(database: Database) -> None:
    times: list[int] = []
    rounds = Rounds(database, [errand(lambda: times.append(1))])
    rounds.start()
    until(lambda: len(times) > 2)
    rounds.stop()
    until(lambda: not any(thread.name == "errand-tidy" for thread in threading.enumerate()))


def test_one_that_fails_is_told_and_run_again_and_the_others_go_on(database: Database) -> None:
    good: list[int] = []
    bad: list[int] = []

    def breaks() -> None:
        bad.append(1)
        raise OSError(28, "No space left on device")

    rounds = Rounds(database, [errand(breaks, name="bad"), errand(lambda: good.append(1), name="good")])
    with capture_logs() as told:
        rounds.start()
        until(lambda: len(bad) > 1 and len(good) > 1)
        rounds.stop()
    assert {line["errand"] for line in told if line["event"] == "errand_failed"} == {"bad"}


def test_what_one_process_does_no_other_does_meanwhile(database: Database) -> None:
    ran: list[str] = []
    first, second = Rounds(database, ()), Rounds(database, ())
    second.owner = "another-machine/place/1/1"
    assert first.run(errand(lambda: ran.append("first")))
    assert not second.run(errand(lambda: ran.append("second")))
    assert second.run(errand(lambda: ran.append("second, another"), name="mend"))
    assert second.run(errand(lambda: ran.append("second, everywhere"), everywhere=True))
    assert first.run(errand(lambda: ran.append("first again")))
    assert ran == ["first", "second, another", "second, everywhere", "first again"]


def test_a_slow_errand_delays_neither_the_sweep_nor_its_end(database: Database) -> None:
    begun, over = threading.Event(), threading.Event()
    sweeps: list[int] = []

    def slow() -> None:
        begun.set()
        over.wait(60)

    bells = Bells(open_broker(""))
    sweeper = Sweeper(
        database, bells, hands=HANDS, chores=[lambda _session: sweeps.append(1)], errands=[errand(slow)], every_s=0.05
    )  # fmt: skip
    sweeper.start()
    assert begun.wait(10)
    seen = len(sweeps)
    until(lambda: len(sweeps) > seen + 1)
    sweeper.stop()
    over.set()


def test_who_ends_leaves_its_errands_to_others(database: Database) -> None:
    ran: list[str] = []
    seldom = errand(lambda: ran.append("first"), every_s=600.0)
    sweeper = Sweeper(database, Bells(open_broker("")), hands=HANDS, errands=[seldom], every_s=0.05)
    other = Rounds(database, ())
    other.owner = "another-machine/place/1/1"
    sweeper.start()
    until(lambda: ran == ["first"])
    assert not other.run(errand(lambda: ran.append("other"), every_s=600.0))
    sweeper.stop()
    assert other.run(errand(lambda: ran.append("other"), every_s=600.0))
    assert ran == ["first", "other"]
