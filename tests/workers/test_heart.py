"""What a job may ask of its heart before a step that is its alone."""

import threading

import pytest
from fakes_work import until
from sqlalchemy.exc import OperationalError

from pipeline.errors import Stopped
from workers.heart import Heart, Lapsed
from workers.ledger import Progress


def holds(heart: Heart) -> bool:
    try:
        heart.must_hold()
    except Stopped:
        return False
    return True


def test_while_the_lease_is_renewed_the_claim_holds() -> None:
    heart, beats = Heart(), threading.Semaphore(0)

    def beat(progress: Progress) -> bool:
        beats.release()
        return True

    with heart.beating(beat, lease_s=4.0):
        assert beats.acquire(timeout=20) and beats.acquire(timeout=20)
        heart.must_hold()


def test_when_the_lease_cannot_be_renewed_the_claim_has_lapsed_before_another_can_have_it() -> None:
    heart = Heart()

    def beat(progress: Progress) -> bool:
        raise OperationalError("UPDATE", None, OSError("the database is away"))

    with heart.beating(beat, lease_s=60.0):
        heart.must_hold()
    with heart.beating(beat, lease_s=0.4):
        until(lambda: not holds(heart))
        with pytest.raises(Lapsed):
            heart.must_hold()
        assert heart.stop.is_set()


def test_who_is_asked_to_stop_holds_no_more_but_has_not_lapsed() -> None:
    heart = Heart()
    with heart.beating(lambda _progress: True, lease_s=60.0):
        heart.stop.set()
        with pytest.raises(Stopped) as stopped:
            heart.must_hold()
    assert not isinstance(stopped.value, Lapsed)
