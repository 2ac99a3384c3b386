"""`aircheck runs`, `retry`, `cancel`, `pause`: what the workers are doing, and how to steer them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.errors import Refused
from workers.cli import console

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from workers.ledger import Run

runs = typer.Typer(help="See what became of every room.", invoke_without_command=True, rich_markup_mode=None)

Json = Annotated[bool, console.JSON]
Name = Annotated[str, typer.Argument(help="The run: the recording's id, or its episode.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(runs, name="runs")
    app.command("retry", epilog="Example: aircheck retry EG_k3v7q2")(retry)
    app.command("cancel", epilog="Example: aircheck cancel EG_k3v7q2")(cancel)
    app.command("pause", epilog="Example: aircheck pause words   (and: aircheck pause words --resume)")(pause)


@runs.callback(epilog="Example: aircheck runs --failed")
def list_(
    context: typer.Context,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed or are held.")] = False,
    as_json: Json = False,
) -> None:
    """List the newest runs with their jobs."""
    if context.invoked_subcommand:
        return
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house, house.database.read() as session:
        found = ledger.runs(session, failed=failed)
    if as_json:
        console.data({"runs": [_told(run) for run in found]})
        return
    if not found:
        console.err("no run has failed" if failed else "no room has ended yet")
    columns = ["run", "show", "state", "jobs", "seconds", "name"]
    console.table(columns, [[r.id, r.show_slug, r.state, _jobs(r), f"{sum(r.timings_s.values()):.0f}", r.name] for r in found])
    for run in found:
        if run.reason:
            console.err(f"{run.id}: {run.reason}")


@runs.command("show", epilog="Example: aircheck runs show EG_k3v7q2")
def show(name: Name, as_json: Json = False) -> None:
    """Tell everything about one run: its jobs, tries, stages and times."""
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house, house.database.read() as session:
        found = ledger.run(session, _run_id(session, name))
    assert found
    if as_json:
        console.data(_told(found))
        return
    console.out(f"{found.id}  {found.state}  {found.show_slug}  {found.name}")
    for job in found.jobs:
        where = f"{job.progress.stage} {job.progress.share:.0%}" if job.state == "running" and job.progress.stage else ""
        console.out(f"  {job.kind:<7} {job.state:<8} tries {job.tries}  {where}{job.error}")
        for stage, seconds in job.timings_s.items():
            console.out(f"    {stage:<12} {seconds:8.2f} s")
    if found.reason:
        console.out(f"  {found.reason}")


def retry(name: Name) -> None:
    """Try again what failed or was cancelled."""
    from workers import ledger
    from workers.wiring import open_house

    with open_house() as house:
        with house.database.begin() as session:
            bells = ledger.retry(session, _run_id(session, name))
        house.ring(bells)
    console.out(f"{name} will be tried again")


def cancel(name: Name) -> None:
    """Stop whatever of a run waits or works."""
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
    """The run of that name, or of the episode of that name."""
    from feeds.catalogue import find_episode
    from workers import ledger

    episode = find_episode(session, name)
    run_id = episode.recording_id if episode else name
    if ledger.run(session, run_id) is None:
        raise Refused(f"there is no run {name}; see: aircheck runs", code="unknown_run")
    return run_id


def _jobs(run: "Run") -> str:
    return " ".join(f"{job.kind}:{job.state}" for job in run.jobs)


def _told(run: "Run") -> dict[str, Any]:
    from pydantic import TypeAdapter

    return {**TypeAdapter(type(run)).dump_python(run, mode="json"), "timings_s": run.timings_s}
