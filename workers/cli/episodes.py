"""`aircheck episode …`: list, show and download what rooms became."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.clock import written
from pipeline.errors import Refused
from workers.cli import console

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from feeds.catalogue import Episode
    from workers.house import House

episode = typer.Typer(help="List, show and download episodes.", no_args_is_help=True, rich_markup_mode=None)

# What lies beside an episode's files in the private store, for us alone.
OURS = ("heard/", "original/", "slices/", "words.json")

Json = Annotated[bool, console.JSON]
Name = Annotated[str, typer.Argument(help="The episode: its guid, its ten letters, or its run.")]
Out = Annotated[
    Path | None,
    typer.Option(help="The folder of an earlier `aircheck produce`; default: this installation.", file_okay=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(episode, name="episode")


@episode.command("list", epilog="Example: aircheck episode list --show tuesday")
def list_(show: Annotated[str | None, typer.Option(help="Only this show.")] = None, out: Out = None, as_json: Json = False) -> None:
    """List episodes, newest first."""
    from feeds.catalogue import episodes, find_show

    with house_of(out) as house, house.database.read() as session:
        if show is not None and find_show(session, show) is None:
            raise Refused(f"there is no show {show}; see: aircheck show list", code="unknown_show")
        rows = [_summary(house, e) for e in episodes(session, show)]
    if as_json:
        console.data({"episodes": rows})
        return
    if not rows:
        console.err("no episodes yet; end a room, or try: aircheck produce FILE")
    columns = ["episode", "show", "state", "length", "title"]
    console.table(columns, [[r["slug"], r["show"], r["state"], written(r["duration_s"] or 0), r["title"]] for r in rows])


@episode.command("show", epilog="Example: aircheck episode show k3v7q2mzpa")
def show(name: Name, out: Out = None, as_json: Json = False) -> None:
    """Tell everything about one episode.

    Voices, cuts, kept stretches and mutes are told by the recording's clock, chapters by the episode's.
    """
    with house_of(out) as house:
        _, found = house.episode_of(name)
        detail = {**_summary(house, found), **_detail(house, found)}
    if as_json:
        console.data(detail)
        return
    for key, value in detail.items():
        for n, line in enumerate(value if isinstance(value, list) else [value]):
            fields = line.items() if isinstance(line, dict) else [(key, line)]
            text = "  ".join(_in_words(name, value) for name, value in fields if value not in ("", None))
            console.out(f"{key.removesuffix('_s') if n == 0 else '':<12} {text}")


def _in_words(name: str, value: object) -> str:
    """A value as people read it: what its name says is seconds as a time."""
    return written(float(value)) if name.endswith("_s") and isinstance(value, int | float) else str(value)


@episode.command("download", epilog="Example: aircheck episode download k3v7q2mzpa --to ~/Downloads")
def download(
    name: Name, to: Annotated[Path, typer.Option(help="The folder to write to.", file_okay=False)] = Path(), out: Out = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Copy every file of an episode into a folder: renditions, documents, and what is kept of master and single voices."""
    from workers.masters import key_of
    from workers.voice_files import keys_of

    with house_of(out) as house:
        _, found = house.episode_of(name)
        store = house.store_of(found)
        keys = [key for key in sorted(store.keys(found.prefix)) if not key.removeprefix(found.prefix).startswith(OURS)]
        if not found.renditions:
            raise Refused(f"{found.title} has no files yet (state: {found.state}); see: aircheck runs", code="not_ready")
        folder = to.expanduser() / found.slug
        folder.mkdir(parents=True, exist_ok=True)
        master = key_of(found)
        kept = (*((master,) if house.private.stat(master) else ()), *keys_of(house.private, found))
        places = dict.fromkeys(keys, store) | dict.fromkeys(kept, house.private)
        paths = []
        for key, place in places.items():
            paths.append(folder / key.removeprefix(found.prefix).replace("/", "-"))
            place.download(key, paths[-1])
    if as_json:
        console.data({"episode": found.guid, "paths": paths})
    else:
        console.out(f"{len(paths)} files in {folder}")


def house_of(out: Path | None) -> "AbstractContextManager[House]":
    """The installation, or the one that `produce` left in that folder."""
    from workers.settings import load, under
    from workers.wiring import open_house

    return open_house(under(out, load()) if out else None)


def _summary(house: "House", found: "Episode") -> dict[str, Any]:
    return {
        "slug": found.slug, "guid": found.guid, "run": found.recording_id, "show": found.show_slug, "state": found.state,
        "title": found.title, "started_at": found.started_at.isoformat(),
        "duration_s": found.sound.duration_s if found.sound else None, "page": house.address(f"{found.prefix}index.html"),
    }  # fmt: skip


def _detail(house: "House", found: "Episode") -> dict[str, Any]:
    from feeds.script import chapters_of
    from workers.voice_files import keys_of

    words, chapters = found.words, chapters_of(found, drafts=True)
    return {
        **_edited(found),
        "reason": found.reason, "access": found.access,
        "people": [{"name": p.name, "role": p.role} for p in found.people],
        "voices": [
            {"name": v.name, "identity": v.participant, "role": v.role, "speech_s": v.speech_s}
            for v in (found.sound.voices if found.sound else ()) if v.participant
        ],
        "renditions": [
            {"url": house.address(r.key), "mime_type": r.mime_type, "size_bytes": r.size_bytes,
             "integrated_lufs": r.integrated_lufs, "true_peak_dbtp": r.true_peak_dbtp} for r in found.renditions
        ],
        "voice_files": [key.removeprefix(found.prefix) for key in keys_of(house.private, found)],
        "chapters": [{"start_s": c.start_s, "title": c.title, "source": c.source, "url": c.url} for c in chapters],
        "words": [{"engine": words.engine, "quality": words.quality, "words": words.count, "why": words.why}] if words else [],
    }  # fmt: skip


def _edited(found: "Episode") -> dict[str, Any]:
    """What is cut and muted, by the recording's clock; what was edited and is not heard yet is said to be on its way."""
    from feeds.catalogue import json_of

    sound, edits = found.sound, found.edits
    return {
        "recording_s": sound.source_s if sound else None,
        "cuts": [{"start_s": c.start_s, "end_s": c.end_s, "why": c.why} for c in (sound.cuts if sound else ())],
        "kept": json_of(found.edits_heard.kept),
        "muted": json_of(sound.mutes if sound else ()),
        "original": _original(found),
        "edits": "" if edits == found.edits_heard else "not heard yet; see: aircheck runs",
    }


def _original(found: "Episode") -> str:
    """Where the recording is, as it was received."""
    kept = found.original
    if kept is None:
        return "where the platform left it"
    size = sum(file.size_bytes for file in kept.files) / 1e6
    told = f"{len(kept.files)} files, {size:.1f} MB, kept since {datetime.fromtimestamp(kept.kept_at, UTC):%Y-%m-%d}"
    return told if kept.gone_at is None else f"{told}, deleted on {datetime.fromtimestamp(kept.gone_at, UTC):%Y-%m-%d}"
