"""`aircheck report`: how an episode's sound came and how it is heard; as a table, as JSON, as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import Refused
from workers.cli import console
from workers.cli.episodes import Json, Name, Out, house_of

if TYPE_CHECKING:
    from feeds.catalogue import Episode
    from feeds.soundcheck import SoundReport
    from pipeline.models import VoiceLevel

To = Annotated[
    Path | None, typer.Option(help="Write it to this file instead: .svg and .png are pictures, .json the figures.", dir_okay=False)
]
Width = Annotated[int, typer.Option(help="Pixels across for which a picture is drawn; 320 suits a telephone.", min=280, max=2000)]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog="Example: aircheck report k3v7q2mzpa --to sound.svg")(report)


def report(name: Name, to: To = None, width: Width = 900, out: Out = None, as_json: Json = False) -> None:
    """Tell how loud everybody was and is, what was cut and put right, and what is missing."""
    from feeds.catalogue import json_of
    from feeds.soundcheck import report_of

    with house_of(out) as house:
        _, episode = house.episode_of(name)
    found = report_of(episode)
    if found is None:
        raise Refused(f"{episode.title} has no sound yet (state: {episode.state}); see: aircheck runs", code="not_ready")
    if to is not None:
        _write(episode, to.expanduser(), width)
    if as_json:
        console.data(json_of(found))
    elif to is None:
        _tell(found)


def _write(episode: "Episode", to: Path, width_px: int) -> None:
    from feeds.soundcheck import FILES, file_of

    written = file_of(episode, f"sound{to.suffix.lower()}", width_px)
    if written is None:
        endings = ", ".join(file.removeprefix("sound") for file in FILES)
        raise Refused(f"a report cannot be written to {to.name}; end it in one of {endings}", code="unknown_format")
    to.write_bytes(written[0])
    console.err(f"written to {to}")


def _tell(found: "SoundReport") -> None:
    """A row a voice, the figures of the whole above them, and below them every list that has something in it."""
    from feeds.soundcheck import figures, listed, summary

    console.out(found.episode.title)
    console.out(summary(found))
    for figure in figures(found):
        console.out(f"{figure.name:<15} {figure.value:<12} {figure.beside}".rstrip())
    console.out(f"{'Target':<15} {found.target_lufs:.1f} LUFS".replace("-", "−"))
    console.out()
    console.table(["voice", "role", "speaks", "LUFS", "change", "to know"], [_row(voice, found) for voice in found.voices])
    for one in listed(found):
        console.out(f"\n{one.heading}")
        for item in one.items:
            console.out(f"  {item}")


def _row(voice: "VoiceLevel", found: "SoundReport") -> list[str]:
    from feeds.soundcheck import badges, change, levels, name_of
    from pipeline.clock import written

    told = levels(voice).removesuffix(" LUFS")
    return [name_of(voice), voice.role, written(voice.speech_s), told, change(voice), ", ".join(badges(voice, found))]
