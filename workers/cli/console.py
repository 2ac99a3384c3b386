"""What commands say: data on stdout, everything else on stderr; one JSON object where `--json` was asked for."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import typer

from pipeline.errors import AircheckError, Refused

if TYPE_CHECKING:
    from rich.console import Console, Group

FAILED, REFUSED = 1, 3

asked_for_json = False


def _json(value: bool) -> bool:
    global asked_for_json  # noqa: PLW0603 - one process, one command, one way to answer
    asked_for_json = asked_for_json or value
    return value


JSON = typer.Option("--json", help="Print one JSON object on stdout.", callback=_json, is_eager=True)


def out(line: str = "") -> None:
    """A line of data."""
    sys.stdout.write(line + "\n")


def err(line: str = "") -> None:
    """A line for the person."""
    sys.stderr.write(line + "\n")


def data(value: object) -> None:
    """The one JSON object of a command."""
    out(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def fail(error: AircheckError) -> NoReturn:
    """Tell the error in one line, and as JSON where asked; exit 3 for a refusal, 1 for anything else."""
    err(f"aircheck: {error}")
    if asked_for_json:
        data({"error": {"code": error.code, "message": str(error)}})
    raise SystemExit(REFUSED if isinstance(error, Refused) else FAILED)


def terminal() -> "Console":
    """Rich's console on stderr."""
    from rich.console import Console  # slow to import, not needed for plain output

    return Console(stderr=True, highlight=False)


def table(columns: list[str], rows: list[list[str]], notes: Sequence[str] = ()) -> None:
    """Rows under headings, and notes below them: drawn on a terminal; elsewhere rows alone, separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            out("\t".join(row))
        return
    from rich.console import Console

    Console(highlight=False).print(_drawn(columns, rows, notes))


def _drawn(columns: list[str], rows: list[list[str]], notes: Sequence[str] = ()) -> "Group":
    """A line a row; where it is too long its last column is cut. Notes stand below in full."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for n, column in enumerate(columns):
        whole = max((len(row[n]) for row in rows), default=0)
        drawn.add_column(column, no_wrap=True, overflow="ellipsis", min_width=None if column == columns[-1] else whole)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return Group(drawn, *(Text(note) for note in notes))


def is_watched() -> bool:
    """Whether a person looks at what we print."""
    return sys.stdout.isatty()


@contextmanager
def live_table() -> "Iterator[Callable[[list[str], list[list[str]], Sequence[str]], None]]":
    """Yields what shows rows under headings, and notes below them, in place of those before."""
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False, vertical_overflow="ellipsis") as live:
        yield lambda columns, rows, notes: live.update(_drawn(columns, rows, notes), refresh=True)


class Follow(Protocol):
    """Told where a run is: the stage, the share of it that is done, and a word more."""

    def __call__(self, stage: str, share: float, note: str = "") -> None: ...


@contextmanager
def following() -> Iterator[Follow]:
    """A bar with the time left for each stage on a terminal, a line for each stage elsewhere; always on stderr."""
    if sys.stderr.isatty():
        with _bars() as follow:
            yield follow
    else:
        yield _Lines()


class _Lines:
    def __init__(self) -> None:
        self.stage = ""
        self.since = time.monotonic()

    def __call__(self, stage: str, share: float, note: str = "") -> None:  # noqa: ARG002 - a line says no shares
        if stage != self.stage:
            self.stage, self.since = stage, time.monotonic()
            err(f"{stage}{': ' + note if note else ''}")


@contextmanager
def _bars() -> Iterator[Follow]:
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns: list[Any] = [
        TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}", style="dim", markup=False),
    ]  # fmt: skip
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=terminal()) as progress:

        def follow(stage: str, share: float, note: str = "") -> None:
            if stage not in tasks:
                for done in tasks.values():
                    progress.update(done, completed=1.0)
                tasks[stage] = progress.add_task(stage, total=1.0, note=note)
            progress.update(tasks[stage], completed=share, note=note)

        yield follow
        for done in tasks.values():
            progress.update(done, completed=1.0)
