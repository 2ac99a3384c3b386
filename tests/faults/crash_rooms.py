"""The rooms of a crash trial, their files, and the platform that tells of them until it is answered."""

from collections.abc import Collection, Sequence
from pathlib import Path

from quick_trials import HIDDEN, HOSTILE, RULES, room

from bench.trial.quick import tone
from feeds.catalogue import add_show, edit_show, find_show
from pipeline.models import Recording, SourceFile
from workers import ledger
from workers.house import House
from workers.intake import Arrival
from workers.reception import Reception

SHOW = "tuesday"
FILE = SourceFile(path="tone.wav")
OUTSIDE = SourceFile(path="../outside.wav")


def crash_rooms(only: Collection[str] = ()) -> Sequence[Recording]:
    """Two for everybody, one of them with hostile texts; a private one; one whose file may not be read. Or only those named."""
    rooms = (
        room("one", 1, title=HOSTILE, files=(FILE,)),
        room("two", 2, title="Two", files=(FILE,)),
        room("shut", 3, title=f"{HIDDEN[0]} talk", access="private", files=(FILE,)),
        room("bad", 4, title="Bad", files=(OUTSIDE,)),
    )
    return tuple(room for room in rooms if not only or room.recording_id in only)


def make_files(rooms: Path) -> Path:
    """The one file that every room has."""
    rooms.mkdir(parents=True, exist_ok=True)
    return tone(rooms / FILE.path)


def make_show(house: House) -> None:
    """The show is there."""
    with house.database.begin() as session:
        if find_show(session, SHOW) is None:
            add_show(session, SHOW, house.site.public_url)


def show_again(house: House, access: str) -> None:
    """Its creator decides who may hear the show."""
    with house.database.begin() as session:
        show = edit_show(session, SHOW, access=access)
        bells = ledger.feed_changed(session, show.id)
    house.ring(bells)


def acknowledge(house: House, recording: Recording, rooms: Path) -> None:
    """The platform tells of the room, and notes it when it has been answered; it tells again whenever it is asked to."""
    arrival = Arrival(recording=recording, root=rooms.as_uri(), provider="platform", event_id=f"EV_{recording.recording_id}")
    Reception(house.database, RULES, house.ring).take(arrival).result(60)
    with answered(house).open("a") as file:
        file.write(f"{recording.recording_id}\n")


def answered(house: House) -> Path:
    """Where the platform notes which rooms were acknowledged."""
    return house.settings.data_dir / "answered"
