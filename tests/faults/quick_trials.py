"""Trials with quick sound for the tests: a house in a folder, rooms that ended in it, and what they left behind."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from fakes_rooms import STARTED_AT, a_room
from sqlalchemy import select, update

from bench.trial.quick import quick_bodies
from feeds.catalogue import add_show
from pipeline.errors import Refused
from pipeline.models import Participant, Recording
from workers.heart import Heart
from workers.house import House
from workers.intake import Accepted, IntakeRules, accept
from workers.ledger import QUEUES, Claim, JobRow
from workers.sections import AudioSettings, SpeechSettings, StoreSettings
from workers.settings import Settings
from workers.wiring import open_house
from workers.work_loop import Outcome, Perform, WorkLoop, silent

SITE = "https://pods.example"
RULES = IntakeRules(default_show="tuesday", public_url=SITE)
HOSTILE = 'A <b>"room"</b> & its ]]> --> \N{RIGHT-TO-LEFT OVERRIDE}ends\n00:00 --> 99:99'
HIDDEN = ("Umbrageous", "Quietus")


def settings_in(folder: Path, **changed: Any) -> Settings:
    """A house that has everything in that folder unless told else."""
    return Settings(
        data_dir=folder, public_url=SITE, speech=SpeechSettings(engine="none"), audio=AudioSettings(formats=("mp3", "opus")),
        **changed,
    )  # fmt: skip


def two_stores(public: str, private: str, endpoint_url: str = "") -> StoreSettings:
    return StoreSettings(url=public, private_url=private, endpoint_url=endpoint_url)


@contextlib.contextmanager
def house_in(folder: Path, **changed: Any) -> Iterator[House]:
    """That house, opened."""
    with open_house(settings_in(folder, **changed)) as house:
        yield house


def rooms() -> tuple[Recording, ...]:
    """Rooms of one show: two good ones with hostile texts, a private one, one where a voice refused, and one that is bad."""
    quiet = Participant(identity="q", name=HIDDEN[1], role="speaker", recording_consent=False)
    return (
        room("good-1", 1, title=HOSTILE),
        room("good-2", 2, title="Plain"),
        room("private", 3, title=f"{HIDDEN[0]} talk", access="private"),
        room("refusing", 4, participants=(Participant(identity="ann", name="Ann", role="host"), quiet)),
        room("bad", 5, title="No audio at all"),
    )


def quick_rooms() -> tuple[Recording, ...]:
    """A good one, a private one, and a bad one."""
    return tuple(room for room in rooms() if room.recording_id in ("good-1", "private", "bad"))


def room(recording_id: str, hour: int = 0, **changed: Any) -> Recording:
    """A room of one hour that began that many hours after the first."""
    began = STARTED_AT + timedelta(hours=hour)
    return a_room(recording_id, started_at=began, ended_at=began + timedelta(hours=1), **changed)


def send(house: House, recording: Recording, event_id: str = "") -> Accepted:
    """The room's event reaches intake, and is acknowledged when this returns."""
    event_id = event_id or f"EV_{recording.recording_id}"
    with house.database.durable() as session:
        return accept(session, recording, "file:///recordings", provider="livekit", event_id=event_id, defaults=RULES)


def make_show(house: House, slug: str = "tuesday") -> None:
    with house.database.begin() as session:
        add_show(session, slug, SITE)


def bodies_where_the_bad_fail(house: House, speed: float = 1e9) -> Mapping[str, Perform]:
    """Quick bodies; recordings whose name begins with `bad` have no audio."""
    quick = quick_bodies(house, speed)

    def audio(claim: Claim, heart: Heart) -> Outcome:
        if claim.subject.startswith("bad"):
            raise Refused("there is no audio in it", code="no_audio")
        return quick["audio"](claim, heart)

    return {**quick, "audio": audio}


def work_off(house: House, bodies: Mapping[str, Perform], queues: Sequence[str] = QUEUES) -> None:
    """Do all jobs of these queues in this thread, without the rests between them."""
    loop = WorkLoop(house.database, bodies, ring=silent)
    while is_left(house, queues):
        wake(house)
        for queue in queues:
            loop.hear(queue)


def wake(house: House) -> None:
    """Nobody rests any longer."""
    with house.database.begin() as session:
        session.execute(update(JobRow).where(JobRow.state == "ready").values(next_at=0.0))


def is_left(house: House, queues: Sequence[str] = QUEUES) -> bool:
    """Whether a job of these queues waits or runs."""
    with house.database.read() as session:
        going_on = JobRow.state.in_(("ready", "running")) & JobRow.queue.in_(queues)
        return session.scalar(select(JobRow.id).where(going_on).limit(1)) is not None


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
