"""`aircheck runs`, `retry`, `cancel`, `pause`: what the workers are doing, and how to steer them."""

import contextlib
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import Refused
from workers.cli import console

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from workers.house import House
    from workers.ledger import Run

runs = typer.Typer(help="See what became of every room.", invoke_without_command=True, rich_markup_mode=None)

LOOK_AGAIN_S = 1.0

Json = Annotated[bool, console.JSON]
Name = Annotated[str, typer.Argument(help="The run: the recording's id, or its episode.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(runs, name="runs")
    app.command("retry", epilog="Example: aircheck retry EG_k3v7q2")(retry)
    app.command("cancel", epilog="Example: aircheck cancel EG_k3v7q2")(cancel)
    app.command("pause", epilog="Example: aircheck pause words   (and: aircheck pause words --resume)")(pause)


@runs.callback(epilog="Example: aircheck runs --failed   (and: aircheck runs --watch)")
def list_(
    context: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed or are held.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only rooms that ended long ago and cannot be heard yet.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing them as they change, until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List the newest runs: what each is doing, for how long, and what is in its way."""
    if context.invoked_subcommand:
        return
    if watch and as_json:
        raise typer.BadParameter("--watch shows a table; leave out --json, or ask again and again", param_hint="--watch")
    from workers.wiring import open_house

    with open_house() as house:
        if watch:
            with contextlib.suppress(KeyboardInterrupt):
                _watch(house, failed, overdue, limit)
            return
        found = _found(house, failed, overdue, limit)
        if as_json:
            _print_json(house, found, overdue)
        else:
            _print_table(house, found, "no run has failed" if failed else "no room is late" if overdue else "no room has ended yet")


def _found(house: "House", failed: bool, overdue: bool, limit: int) -> "tuple[Run, ...]":
    from workers import ledger
    from workers.ledger.overdue import overdue as late

    with house.database.read() as session:
        if overdue:
            return tuple(room.run for room in late(session, house.settings.limits.overdue_s, limit=limit))
        return ledger.runs(session, failed=failed, limit=limit)


def _print_json(house: "House", found: "tuple[Run, ...]", overdue: bool) -> None:
    from workers.cli.telling import told, told_standing
    from workers.ledger.overdue import floor
    from workers.ledger.reasons import standing

    with house.database.read() as session:
        here = floor(session)
    more = [{"standing": told_standing(standing(run, here))} if overdue else {} for run in found]
    console.data({"runs": [{**told(run), **rest} for run, rest in zip(found, more, strict=True)]})


def _print_table(house: "House", found: "tuple[Run, ...]", nothing: str) -> None:
    if not found:
        console.err(nothing)
    console.table(*_laid_out(_rows(house, found)))


def _laid_out(rows: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Columns, rows and notes: on a terminal the reasons stand below, where there is room for them."""
    from workers.cli.telling import COLUMNS

    if not console.is_watched():
        return list(COLUMNS), rows, []
    return list(COLUMNS[:-1]), [cells[:-1] for cells in rows], [f"{cells[0]}: {cells[-1]}" for cells in rows if cells[-1]]


def _rows(house: "House", found: "tuple[Run, ...]") -> list[list[str]]:
    from workers.cli.telling import row
    from workers.desk import Desk
    from workers.ledger.overdue import floor
    from workers.ledger.reasons import standing

    states = Desk(house=house).runs([run.id for run in found])
    with house.database.read() as session:
        here = floor(session)
    now = datetime.now(UTC)
    return [row(run, states.get(run.id), standing(run, here), now) for run in found]


def _watch(house: "House", failed: bool, overdue: bool, limit: int) -> None:
    """A table that follows on a terminal; elsewhere a line whenever a run has got somewhere."""
    with console.live_table() if console.is_watched() else contextlib.nullcontext(_Lines()) as show_rows:
        while True:
            show_rows(*_laid_out(_rows(house, _found(house, failed, overdue, limit))))
            time.sleep(LOOK_AGAIN_S)


class _Lines:
    """Prints the rows in which more has changed than a time."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = {}

    def __call__(self, columns: list[str], rows: list[list[str]], _notes: Sequence[str]) -> None:
        told = [n for n, name in enumerate(columns) if name not in ("time", "left")]
        for cells in reversed(rows):
            steps = [cells[n] for n in told]
            if self.said.get(cells[0]) != steps:
                console.out("\t".join(cells))
            self.said[cells[0]] = steps
        sys.stdout.flush()


@runs.command("show", epilog="Example: aircheck runs show EG_k3v7q2")
def show(name: Name, as_json: Json = False) -> None:
    """Tell everything about one run: every try of its jobs, what it waits for, and where its episode is."""
    from feeds.catalogue import find_episode
    from workers import ledger
    from workers.cli.telling import places_of, story, told_whole
    from workers.ledger.overdue import floor
    from workers.ledger.reasons import standing
    from workers.wiring import open_house

    with open_house() as house, house.database.read() as session:
        found = ledger.run(session, _run_id(session, name))
        assert found
        attempts = {job.id: ledger.attempts(session, job.id) for job in found.jobs}
        why, places = standing(found, floor(session)), places_of(house, find_episode(session, found.id))
    if as_json:
        console.data(told_whole(found, attempts, why, places))
        return
    for line in story(found, attempts, why, places):
        console.out(line)


def retry(name: Name) -> None:
    """Try again what failed or was cancelled."""
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house:
        with house.database.begin() as session:
            bells = ledger.retry(session, _run_id(session, name))
        house.ring(bells)
    console.out(f"{name} will be tried again" if bells else f"{name} is held again; see: aircheck runs show {name}")


def cancel(name: Name) -> None:
    """Stop whatever of a run waits or works, or put aside what failed or is held: no alarm speaks of it any more."""
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house, house.database.begin() as session:
        ended = ledger.cancel(session, _run_id(session, name))
    console.out(f"{name} is cancelled" if ended else f"nothing of {name} was left to cancel")


def pause(
    queue: Annotated[str, typer.Argument(help="audio, words or publish.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on.")] = False,
) -> None:
    """Begin no more jobs of a queue, or go on with it."""
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house:
        with house.database.begin() as session:
            if resume:
                bell = ledger.resume(session, queue)
            else:
                ledger.pause(session, queue)
        if resume:
            house.ring([bell])
    console.out(f"{queue} goes on" if resume else f"{queue} is paused")


def _run_id(session: "Session", name: str) -> str:
    """The run of that name, or of the episode of that name. Errors: `Refused`, with the nearest name."""
    from difflib import get_close_matches

    from feeds.catalogue import find_episode
    from workers import ledger

    episode = find_episode(session, name)
    run_id = episode.recording_id if episode else name
    if ledger.run(session, run_id) is None:
        near = get_close_matches(name, [run.id for run in ledger.runs(session, limit=200)], n=1)
        hint = f"is it {near[0]}? " if near else ""
        raise Refused(f"there is no run {name}; {hint}see: aircheck runs", code="unknown_run")
    return run_id
