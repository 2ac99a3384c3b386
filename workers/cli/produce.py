"""`aircheck produce`, `watch` and `demo`: from a recording to an episode."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.clock import written
from workers.cli import console

Json = Annotated[bool, console.JSON]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("demo", epilog="Example: aircheck demo --once")(demo)
    app.command("produce", epilog="Example: aircheck produce talk.m4a --show tuesday --title 'Night trains' --out episodes")(
        produce
    )
    app.command("watch", epilog="Example: aircheck watch ~/recordings --show tuesday")(watch)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when the episode is complete instead of serving it.")] = False,
    port: Annotated[int, typer.Option(help="Where it serves on this machine; 0: any free port.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder of the demo; an earlier demo in it is replaced.")] = Path("aircheck-demo"),
) -> None:
    """Turn the sample room into an episode, and serve it.

    The room ships with Aircheck; its signed event is posted to the hook of an `aircheck up`, as a platform would.
    """
    from workers.demo.show import run_demo

    run_demo(once=once, port=port, folder=out)


def produce(
    paths: Annotated[list[Path], typer.Argument(help="A file, or a folder with room.json; several files are tracks of one room.")],
    show: Annotated[str, typer.Option(help="The show's slug; made where it is missing.")] = "",
    title: Annotated[str, typer.Option(help="The episode's title.")] = "",
    out: Annotated[Path, typer.Option(help="The folder that the store and all state lie in.")] = Path("aircheck-out"),
    as_json: Json = False,
) -> None:
    """Make an episode of a recording, in the foreground."""
    from workers.producing import produce as make

    with console.following() as follow:
        made = make(paths, show=show, title=title, out=out, follow=follow)
    if made.was_there:
        console.err("nothing to do: this recording is an episode already")
    if as_json:
        console.data(made.report)
    else:
        _print(made.report)


def watch(
    folder: Annotated[Path, typer.Argument(help="The folder that recordings land in.", file_okay=False, exists=True)],
    show: Annotated[str, typer.Option(help="The show they belong to.")],
    quiet_s: Annotated[float, typer.Option(help="How long a file must not have changed to be finished, in seconds.")] = 30.0,
) -> None:
    """Publish what lands in a folder, once it has finished growing."""
    from workers.watching import watch_and_work

    watch_and_work(folder, show=show, quiet_s=quiet_s)


def _print(report: dict[str, Any]) -> None:
    console.out(f"{report['episode']['title']}  ({written(report['renditions'][0]['duration_s'])})")
    for made in report["renditions"]:
        loud = (
            "silence"
            if made["integrated_lufs"] is None
            else f"{made['integrated_lufs']:.1f} LUFS, {made['true_peak_dbtp']:.1f} dBTP"
        )
        console.out(f"  {made['path'] or made['url']}  {made['size_bytes'] / 1e6:.1f} MB  {loud}")
    for document in report["documents"]:
        console.out(f"  {document['path'] or document['url']}")
    for chapter in report["chapters"]:
        console.out(f"  {written(chapter['start_s']):>8}  {chapter['title']}")
    for warning in report["warnings"]:
        lost = f"{warning['lost_s']:.1f} s lost: " if warning["lost_s"] else ""
        console.err(f"warning: {lost}{warning['why']}")
    words = report["transcript"]
    console.out(f"  words: {words['quality']}{' by ' + words['engine'] if words['quality'] != 'none' else ': ' + words['why']}")
    console.out(f"  feed: {report['feed']['path'] or report['feed']['url']}")
