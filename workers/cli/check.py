"""`aircheck doctor`, `config check` and `feed`: is everything as it should be?"""

from typing import Annotated

import typer

from workers.cli import console

config = typer.Typer(help="Look at the settings.", no_args_is_help=True, rich_markup_mode=None)
Json = Annotated[bool, console.JSON]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("doctor", epilog="Example: aircheck doctor")(doctor)
    app.command("feed", epilog="Example: aircheck feed tuesday --check")(feed)
    app.add_typer(config, name="config")


def doctor(as_json: Json = False) -> None:
    """Examine this installation and say how to mend it."""
    from workers.doctor import examine
    from workers.settings import load

    findings = examine(load())
    if as_json:
        console.data({"findings": [{"name": f.name, "verdict": f.verdict, "said": f.said, "fix": f.fix} for f in findings]})
    else:
        for f in findings:
            console.out(f"{f.verdict:<5} {f.name:<20} {f.said}" + (f"\n{'':<26} fix: {f.fix}" if f.fix else ""))
    if any(f.verdict == "bad" for f in findings):
        raise typer.Exit(console.FAILED)


@config.command("check", epilog="Example: aircheck config check")
def check(as_json: Json = False) -> None:
    """Read the settings and print what they come to; secrets are not shown."""
    from workers.settings import in_words, load

    values = in_words(load())
    if as_json:
        console.data({"settings": values})
        return
    for key, value in values.items():
        console.out(f"{key} = {value}")


def feed(
    show: Annotated[str, typer.Argument(help="The show.")],
    check: Annotated[bool, typer.Option("--check", help="Run every rule against the feed and the bytes it points at.")] = False,
    as_json: Json = False,
) -> None:
    """Print a show's feed, or check all it points at."""
    from workers.checking import check_feed, feed_of
    from workers.wiring import open_house

    with open_house() as house:
        if not check:
            console.out(feed_of(house, show).decode().rstrip("\n"))
            return
        findings = check_feed(house, show)
    if as_json:
        console.data({"show": show, "findings": [{"rule": f.rule, "said": f.said, "fix": f.fix} for f in findings]})
    else:
        for f in findings:
            console.out(f"{f.rule}: {f.said}; {f.fix}")
        console.err(f"{len(findings)} findings" if findings else "the feed and everything it points at are in order")
    if findings:
        raise typer.Exit(console.FAILED)
