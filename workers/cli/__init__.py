"""The command line. Every command is a function in a file of this folder; heavy things are imported where they are used."""

import sys
from typing import Annotated

import typer

from pipeline.errors import AircheckError, Broken
from workers.cli import console

app = typer.Typer(
    name="aircheck",
    epilog="Begin with: aircheck demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.out(version("aircheck"))
        raise typer.Exit


@app.callback()
def prepare(
    debug: Annotated[bool, typer.Option("--debug", help="Show logs and tracebacks.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,  # noqa: ARG001
) -> None:
    """Turns finished live audio rooms into podcast episodes."""
    from workers.logs import set_up

    set_up(level="INFO" if debug else "ERROR")  # commands speak for themselves; processes that stay log in their own way


def _register() -> None:
    from workers.cli import check, edits, episodes, produce, report, runs, serve, shows, words

    for module in (produce, serve, shows, episodes, edits, report, runs, words, check):
        module.register(app)


def _unless_debugging() -> None:
    """Let the traceback through where somebody asked for it."""
    if "--debug" in sys.argv:
        raise  # noqa: PLE0704 - inside the handlers of main()


def main() -> None:
    """Run the command line; an error of ours is one line, never a traceback."""
    _register()
    try:
        app()
    except AircheckError as error:
        _unless_debugging()
        console.fail(error)
    except OSError as error:
        _unless_debugging()
        console.fail(Broken(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), code="os_error"))
    except KeyboardInterrupt:
        console.err("aircheck: stopped")
        raise SystemExit(130) from None
