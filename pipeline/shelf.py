"""A name in the settings is a file on a shelf: `take("pipeline.formats", "mp3")` imports `pipeline/formats/mp3.py`, when named."""

import importlib
import pkgutil
import re
from difflib import get_close_matches
from types import ModuleType

from pipeline.errors import Refused


def names(shelf: str) -> tuple[str, ...]:
    """What stands on the shelf, in alphabetical order."""
    package = importlib.import_module(shelf)
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


def take(shelf: str, name: str) -> ModuleType:
    """The named module of the shelf; a name that is not there is refused with the nearest one."""
    known = names(shelf)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise Refused(f"there is no {name!r} in {shelf}; {hint}", code="unknown_name")
    return importlib.import_module(f"{shelf}.{name}")
