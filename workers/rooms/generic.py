"""Any platform of your own: it posts a `room.json` to /hooks/rooms, signed, with one key more.

`root` names what the paths of the files are relative to: a folder below one of `hooks.roots` (`/srv/rooms/tuesday`), or
`s3://bucket/prefix`, or `https://host/folder` on an allowed host. Without it the paths are relative to the only folder of
`hooks.roots`. A path may also be a whole address by itself (`s3://bucket/key`, `https://host/file`). `room.metadata`, an object of
texts, serves the rules of `hooks.shows`.
"""

from pipeline.text import clean_line
from workers.fields import Fields, read_json
from workers.manifest import parse
from workers.places import Places
from workers.rooms import Gathered


def understand(body: bytes, places: Places) -> Gathered:
    """The recording of a posted manifest whose signature was checked; its files may not have arrived yet."""
    data = Fields.of(read_json(body))
    warnings: list[str] = []
    recording = parse(data.data, warn=warnings.append, address=places.allows)
    on_their_own = all("://" in file.path for file in recording.files)
    named = data.line("root")
    root = "" if on_their_own and not named else places.root(named)
    return Gathered(recording=recording, root=root, warnings=tuple(warnings), metadata=_metadata(data.section("room")))


def _metadata(room: Fields) -> dict[str, str]:
    told = room.data.get("metadata")
    return (
        {clean_line(key): clean_line(value) for key, value in told.items() if isinstance(value, str)}
        if isinstance(told, dict)
        else {}
    )
