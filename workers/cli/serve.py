"""`aircheck up`, `serve`, `work` and `login`: run it."""

from typing import Annotated

import typer

from workers.cli import console

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("up", epilog="Example: aircheck up --port 8000")(up)
    app.command("serve", epilog="Example: aircheck serve --host 0.0.0.0 --port 8000")(serve)
    app.command("work", epilog="Example: aircheck work --queues audio,publish")(work)
    app.command("login", epilog="Example: aircheck login")(login)


def up(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run everything on this machine, in one process.

    The web, the workers and the sweeper, until Ctrl-C or SIGTERM; running jobs are given back.
    """
    from workers.ledger import QUEUES
    from workers.serving import run

    run(host=host, port=port, queues=QUEUES)


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Run the web only; workers run elsewhere (aircheck work)."""
    from workers.serving import run

    run(host=host, port=port, queues=())


def work(
    queues: Annotated[str, typer.Option(help="Which queues, separated by commas; each in a process of its own.")] = (
        "audio,words,publish"
    ),
    hands: Annotated[int, typer.Option(min=0, help="How many jobs of each queue at once; 0: as many as suit it.")] = 0,
    leashed: Annotated[bool, typer.Option("--leashed", hidden=True)] = False,
) -> None:
    """Run workers only.

    Several queues are watched over: a queue's process that dies is started again. One queue is worked at by this very process, for
    a service manager to watch.
    """
    wanted = _queues(queues)
    if len(wanted) > 1:
        from workers.supervise import supervise

        supervise(wanted, ("--hands", str(hands)))
    else:
        from workers.broker import HANDS
        from workers.working import run_workers

        run_workers(wanted, {wanted[0]: hands} if hands else HANDS, leashed=leashed)


def _queues(said: str) -> tuple[str, ...]:
    from workers.ledger import QUEUES

    wanted = tuple(dict.fromkeys(queue.strip() for queue in said.split(",") if queue.strip()))
    unknown = [queue for queue in wanted if queue not in QUEUES]
    if unknown or not wanted:
        raise typer.BadParameter(
            f"{', '.join(unknown) or 'nothing'} is no queue; they are {', '.join(QUEUES)}", param_hint="--queues"
        )
    return wanted


def login(as_json: Annotated[bool, console.JSON] = False) -> None:
    """Print an address that opens the studio once."""
    from workers.serving import login_address
    from workers.wiring import open_house

    with open_house() as house:
        address = login_address(house)
    if as_json:
        console.data({"url": address})
    else:
        console.out(address)
