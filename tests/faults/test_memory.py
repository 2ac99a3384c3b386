"""A room whose work wants more memory than there is has so many tries, and then fails with its reason; the others go on."""

from collections.abc import Callable
from pathlib import Path

import hungry_works
import pytest
from fixtures_quick import quick_sound
from quick_trials import bodies_where_the_bad_fail, house_in, make_show, room, send, work_off

from bench.trial.checker import violations
from bench.trial.evidence import Evidence
from pipeline.child import Children
from workers import ledger
from workers.heart import Heart
from workers.ledger import MAX_TRIES, Claim
from workers.work_loop import Outcome

__all__ = ["quick_sound"]
ENOUGH_BYTES = 1 << 30


@pytest.fixture(autouse=True)
def path_to_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(hungry_works.__file__).parent))


@pytest.mark.parametrize(("want", "says"), [(hungry_works.eat, "memory"), (hungry_works.be_killed, "killed by signal 9")])
def test_a_child_that_wants_too_much_is_counted_and_ends_failed(
    quick_sound: Path, tmp_path: Path, want: Callable[..., int], says: str
) -> None:
    (tmp_path / "quick").symlink_to(quick_sound)
    with house_in(tmp_path, limits={"memory_bytes": ENOUGH_BYTES}) as house:
        make_show(house)
        for name in ("good-1", "hungry", "good-2"):
            send(house, room(name))
        quick = bodies_where_the_bad_fail(house)

        def audio(claim: Claim, heart: Heart) -> Outcome:
            if claim.subject == "hungry":
                Children(limits=house.limits("audio"), stop=heart.stop).run(want)
            return quick["audio"](claim, heart)

        work_off(house, {**quick, "audio": audio})
        with house.database.read() as session:
            [job] = getattr(ledger.run(session, "hungry"), "jobs", ())
            outcomes = [attempt.outcome for attempt in ledger.attempts(session, job.id)]
        assert (job.state, job.tries) == ("failed", MAX_TRIES) and says in job.error
        assert outcomes == ["failed"] * MAX_TRIES
        evidence = Evidence(house=house, acknowledged=["good-1", "hungry", "good-2"], bad=["hungry"])
        assert [str(violation) for violation in violations(evidence)] == []
