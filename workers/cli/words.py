"""`aircheck chapters`: chapters for any transcript, ours or somebody else's."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.clock import written
from pipeline.errors import Refused
from workers.cli import console


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("chapters", epilog="Example: aircheck chapters transcript.json --json > chapters.json")(chapters)


def chapters(
    transcript: Annotated[
        Path, typer.Argument(help="A podcast-namespace JSON transcript: segments[] with speaker, startTime, endTime, body.")
    ],
    as_json: Annotated[bool, console.JSON] = False,
) -> None:
    """Find the chapters of a JSON transcript.

    With --json they are printed as namespace JSON 1.2.
    """
    from pipeline.chapter import chapters_of_json
    from pipeline.plan import ChapterPlan
    from workers.settings import load

    wanted = load().chapters
    found = chapters_of_json(_read(transcript), ChapterPlan(min_room_s=wanted.min_room_s, target_s=wanted.target_s))
    if as_json:
        rows = [{"startTime": round(c.start_s, 3), "endTime": round(c.end_s, 3), "title": c.title} for c in found]
        console.data({"version": "1.2.0", "chapters": rows})
        return
    if not found:
        console.err("no chapters: the talk is too short, or never turns to something new")
    for c in found:
        console.out(f"{written(c.start_s):>8}  {c.title}")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}", code="unreadable") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"{path} is no JSON ({error}); chapters are found in JSON transcripts", code="not_json") from error
    if not isinstance(document, dict):
        raise Refused(f"{path} holds no JSON object with segments[]", code="not_a_transcript")
    return document
