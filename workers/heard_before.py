"""What was measured of a recording outlives its scratch, in the private store: sound that is made again is not measured again.

Only the measures are kept, under the key that a journal would note them by. The recogniser's 16 kHz files are not: they are large,
and only a job of words needs them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from pipeline.journal import key_of, place
from pipeline.listen import listen
from pipeline.models import Heard, MadeFile
from pipeline.stores import Store
from pipeline.workshop import Workshop

T = TypeVar("T")
CACHE = "private, no-store"
MEASURES = "measures.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A note: what was heard, and of what with which options and code."""

    key: str
    heard: Heard


_NOTE = TypeAdapter(Remembered)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardBefore:
    """The last measures of one recording; `prefix` ends in a slash."""

    store: Store
    prefix: str

    def recall(self, key: str, folder: Path) -> Heard | None:
        """What was heard under that key, its measures in `folder`, without speech; None where it must be heard again."""
        before = self._remembered()
        if before is None or before.key != key or self.store.stat(self._measures_key) is None:
            return None
        path = folder / "recalled.npz"
        self.store.download(self._measures_key, path)
        measures = MadeFile.of(path)
        return replace(before.heard, measures=measures) if measures.sha256 == before.heard.measures.sha256 else None

    def keep(self, key: str, heard: Heard) -> None:
        """Remember it in place of what was heard before; the note last, so that it never speaks of measures that are not there."""
        self.store.put(self._measures_key, heard.measures.path, mime_type="application/octet-stream", cache_control=CACHE)
        told = replace(heard, speech=(), measures=replace(heard.measures, path=Path(MEASURES)))  # not where it lay on this machine
        note = _NOTE.dump_json(Remembered(key=key, heard=told))
        self.store.put(self._note_key, note, mime_type="application/json", cache_control=CACHE)

    def _remembered(self) -> Remembered | None:
        try:
            return _NOTE.validate_json(self.store.get(self._note_key) or b"")
        except ValidationError:
            return None

    @property
    def _measures_key(self) -> str:
        return self.prefix + MEASURES

    @property
    def _note_key(self) -> str:
        return f"{self.prefix}heard.json"


@dataclass(frozen=True, kw_only=True)
class Remembering(Workshop):
    """A workshop that recalls what was heard of the recording, and keeps it. Not for words: nothing it recalls has speech."""

    before: HeardBefore

    def once(self, step: Callable[..., T], *inputs: object) -> T:
        """What `step(*inputs)` returns; a recording that was listened to is not listened to again, on whichever host."""
        if step is not listen:
            return super().once(step, *inputs)
        key = key_of(step, inputs)
        with self.stage(step.__name__):
            recalled = self.before.recall(key, place(self.scratch, step, *inputs))
        if recalled is not None:
            return cast(T, recalled)
        heard = super().once(step, *inputs)
        self.before.keep(key, cast(Heard, heard))
        return heard
