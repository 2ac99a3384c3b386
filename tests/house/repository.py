"""The repository as a heap of files, for tests of its rules."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "feeds", "workers")
# what tools leave behind, and what is not ours to write
IGNORED = {line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}


def files() -> Iterator[Path]:
    """Every file that belongs to the repository."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not _ignored(name)]
        yield from (Path(folder, name) for name in names if not _ignored(name))


def _ignored(name: str) -> bool:
    return name in IGNORED or name.endswith(".egg-info")


@cache
def texts() -> dict[str, str]:
    """What can be read as text, by path from the root."""
    found = {}
    for path in files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text()
        except UnicodeDecodeError:
            continue
    return found


@cache
def modules(*packages: str) -> dict[str, ast.Module]:
    """The Python files below those folders as syntax trees, by path from the root."""
    return {path: _tree(path) for path in texts() if path.endswith(".py") and path.split("/")[0] in packages}


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse(texts()[path])


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(*packages: str) -> Iterator[tuple[str, Function]]:
    """Every function with the words that name it."""
    for path, tree in modules(*packages).items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield f"{path}:{node.lineno} {node.name}", node


def lines_of(function: Function) -> int:
    """Lines from `def` to its end, decorators left out."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1
