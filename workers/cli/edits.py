"""`aircheck episode edit`: a creator's changes of an episode."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.clock import written
from workers.cli import console
from workers.cli.episodes import Json, Name, Out, episode, house_of

if TYPE_CHECKING:
    from workers.changing import Changed
    from workers.house import House


def register(app: typer.Typer) -> None:  # noqa: ARG001 - its command joins those of `episode`
    """Add the command of this file."""
    episode.command("edit", epilog="Example: aircheck episode edit k3v7q2mzpa --cut 12:30-13:05 --mute 'Ben@20:00-20:40'")(edit)


def edit(
    name: Name,
    title: Annotated[str | None, typer.Option(help="Its title; empty: the room's own again.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is about.")] = None,
    cut: Annotated[list[str] | None, typer.Option(metavar="FROM-TO", help="Leave that out, such as 12:30-13:05.")] = None,
    keep: Annotated[list[str] | None, typer.Option(metavar="FROM-TO", help="Let that be heard though it is cut now.")] = None,
    start: Annotated[str, typer.Option(metavar="TIME", help="Where the episode begins.")] = "",
    end: Annotated[str, typer.Option(metavar="TIME", help="Where it ends.")] = "",
    mute: Annotated[
        list[str] | None, typer.Option(metavar="VOICE[@FROM-TO]", help="Silence a voice, or everybody, always or for that while.")
    ] = None,
    unmute: Annotated[list[str] | None, typer.Option(metavar="VOICE", help="Let a voice be heard again.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all earlier changes first.")] = False,
    as_heard: Annotated[
        bool, typer.Option("--as-heard", help="Times are those of the episode as it plays now, not of the recording.")
    ] = False,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Change an episode: its title and description, what is cut, who is muted.

    Times are the recording's, as `aircheck episode show` tells cuts and voices. The recording itself stays as it is, and every
    change can be taken back. Until the new sound is there the old one plays; addresses and words stay.
    """
    from feeds.change import SoundChange
    from workers.changing import change

    sound = SoundChange(
        reset=reset, keep=keep or (), cut=cut or (), start=start, end=end, mute=mute or (), unmute=unmute or (), as_heard=as_heard
    )
    with house_of(out) as house:
        changed = house.database.patiently(lambda session: change(session, name, sound, title=title, description=description))
        is_made = made(house, changed)
        _, found = house.episode_of(changed.episode.guid)
    if as_json:
        console.data(_told(changed, is_made))
    elif changed.what:
        lasts = f"; it lasts {written(found.sound.duration_s)}" if found.sound and is_made else ""
        console.out(f"changed {', '.join(changed.what)} of {found.title}{lasts}")
    else:
        console.err("nothing to do: the episode is like that already")


def made(house: "House", changed: "Changed") -> bool:
    """Whether the change is there for listeners: made here and now, unless there are workers whose it is to make it."""
    from workers.ledger.overdue import floor

    if not changed.what:
        return True
    with house.database.read() as session:
        here = floor(session)
    if "audio" in here.manned:
        house.ring(changed.bells)
        console.err(f"the workers make it; see: aircheck runs show {changed.episode.recording_id}")
        return False
    if "audio" in here.paused:
        console.err("it is made when the queue audio goes on: aircheck pause audio --resume")
        return False
    from workers.producing import work_off

    with console.following() as follow:
        work_off(house, changed.episode.recording_id, follow)
    return True


def _told(changed: "Changed", is_made: bool) -> dict[str, Any]:
    from feeds.catalogue import json_of

    found = changed.episode
    return {
        "episode": found.guid, "title": found.title, "changed": list(changed.what), "edits": json_of(found.edits), "made": is_made,
    }  # fmt: skip
