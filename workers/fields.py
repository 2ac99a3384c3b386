"""JSON that strangers wrote, read field by field: a wrong type is refused with the field's name, text comes out cleaned."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, Self, TypeGuard, TypeVar

from pipeline.errors import Refused
from pipeline.text import clean_block, clean_line

T = TypeVar("T")

LIMIT_BYTES = 16 << 20
LIMIT_NESTING = 64


def read_json(content: bytes) -> Any:
    """What the bytes say; refused are more than 16 MiB, other encodings than UTF-8, doubled keys, NaN and nesting over 64."""
    if len(content) > LIMIT_BYTES:
        raise Refused(f"{len(content):,} bytes are too many; {LIMIT_BYTES:,} are allowed", code="too_large")
    try:
        data = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Refused(f"it is not UTF-8 at byte {error.start:,}", code="bad_json") from None
    except RecursionError:
        raise Refused(f"it is nested deeper than {LIMIT_NESTING}", code="bad_json") from None
    except ValueError as error:
        raise Refused(f"it is no JSON: {error}", code="bad_json") from None
    _check_nesting(data)
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise Refused(f"the key {double[:80]!r} stands twice in one object; which one is meant?", code="bad_json")
    return data


def _no_number(word: str) -> NoReturn:
    raise Refused(f"{word} is no number", code="bad_json")


def _check_nesting(data: Any) -> None:
    layer, depth = [data], 0
    while layer := [value for value in layer if isinstance(value, (dict, list))]:
        depth += 1
        if depth > LIMIT_NESTING:
            raise Refused(f"it is nested deeper than {LIMIT_NESTING}", code="bad_json")
        layer = [child for value in layer for child in (value.values() if isinstance(value, dict) else value)]


@dataclass(frozen=True, slots=True)
class Fields:
    """One object and the name it has in messages. A field that is absent or null reads as empty unless it is required."""

    data: Mapping[str, Any]
    name: str = ""

    @classmethod
    def of(cls, value: Any, name: str = "") -> Self:
        """The object; refused when the value is another thing."""
        if type(value) is not dict and not isinstance(value, Mapping):  # asking an ABC takes long, and events are many
            raise Refused(f"{name or 'it'} must be an object, not {_kind(value)}", code="bad_manifest")
        return cls(value, name)

    def section(self, key: str) -> "Fields":
        """The object in that field; an empty one where there is none."""
        return Fields.of(self._typed(key, Mapping, "an object") or {}, self._path(key))

    def sections(self, key: str) -> tuple["Fields", ...]:
        """The objects of the list in that field."""
        entries: Sequence[Any] = self._typed(key, list, "a list") or ()
        path = self._path(key)
        return tuple(Fields.of(entry, f"{path}[{n}]") for n, entry in enumerate(entries))

    def text(self, key: str) -> str:
        """The text as it was written; it must be there."""
        text = self._typed(key, str, "text")
        if not text:
            raise Refused(f"{self._path(key)} is missing", code="bad_manifest")
        return str(text)

    def exact(self, key: str) -> str:
        """Text that names something for ever: refused rather than cleaned."""
        text = self.text(key)
        if clean_line(text) != text:
            raise Refused(f"{self._path(key)} must be one plain line of at most 255 letters", code="bad_manifest")
        return text

    def line(self, key: str, *, required: bool = False) -> str:
        """One clean line of at most 255 letters."""
        value = self.data.get(key)
        if value is None and not required:
            return ""
        if _is_plain_word(value):
            return value
        line = clean_line(self.text(key) if required else self._typed(key, str, "text") or "")
        if required and not line:
            raise Refused(f"{self._path(key)} holds no letter that can be shown", code="bad_manifest")
        return line

    def block(self, key: str) -> str:
        """Clean paragraphs."""
        return clean_block(self._typed(key, str, "text") or "")

    def url(self, key: str, warn: Callable[[str], None] | None = None) -> str:
        """A web address, or "" for anything else."""
        if self.data.get(key) is None:
            return ""
        url = self.line(key) if len(str(self.data.get(key) or "")) <= 255 else clean_line(self.text(key), 2000)
        if url and not re.fullmatch(r"https?://[^\s<>\"'`\\{}|^]+", url):
            if warn:
                warn(f"{self._path(key)} is no web address and left out")
            return ""
        return url

    def word(self, key: str, known: Sequence[T], *, otherwise: T, warn: Callable[[str], None]) -> T | None:
        """One of the known words, None where there is none, `otherwise` for an unknown one."""
        word = self.line(key)
        if not word:
            return None
        for candidate in known:
            if candidate == word:
                return candidate
        warn(f"{self._path(key)} {word[:40]!r} is not known and read as {otherwise}")
        return otherwise

    def flag(self, key: str) -> bool | None:
        """True, false or None."""
        flag: bool | None = self._typed(key, bool, "true or false")
        return flag

    def number(self, key: str, *, required: bool = False) -> float | None:
        """A finite number."""
        plain = self.data.get(key)
        if type(plain) is float and math.isfinite(plain):
            return plain
        value = self._typed(key, (int, float), "a number")
        if value is None and required:
            raise Refused(f"{self._path(key)} is missing", code="bad_manifest")
        if isinstance(value, bool) or (value is not None and not _finite(value)):
            raise Refused(f"{self._path(key)} must be a finite number", code="bad_manifest")
        return None if value is None else float(value)

    def whole(self, key: str) -> int | None:
        """A whole number that is not negative."""
        value = self.number(key)
        if value is not None and (value < 0 or value != int(value)):
            raise Refused(f"{self._path(key)} must be a whole number", code="bad_manifest")
        return None if value is None else int(value)

    def time(self, key: str, *, required: bool = False) -> datetime | None:
        """A moment in UTC; it must carry its zone."""
        text = self.text(key) if required else self._typed(key, str, "text")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            advice = "write it as 2026-11-20T07:36:57.000Z, with its zone"
            raise Refused(f"{self._path(key)} {text[:40]!r} is no moment; {advice}", code="bad_manifest") from None

    def _typed(self, key: str, kind: Any, words: str) -> Any:
        value = self.data.get(key)
        if value is not None and not isinstance(value, kind):
            raise Refused(f"{self._path(key)} must be {words}, not {_kind(value)}", code="bad_manifest")
        return value

    def _path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def _is_plain_word(value: Any) -> TypeGuard[str]:
    """Whether cleaning would leave it as it is, as with most that rooms say: known at a glance."""
    return type(value) is str and 0 < len(value) <= 255 and value.isascii() and value.isprintable() and " " not in value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing")
