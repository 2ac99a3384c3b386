"""Shows are made and changed."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from feeds.catalogue.names import RESERVED_SLUGS, podcast_guid
from feeds.catalogue.reading import json_of, show_of, show_row
from feeds.catalogue.tables import ShowRow
from feeds.catalogue.values import KeptFile, Show
from pipeline.errors import Refused
from pipeline.text import clean_block, clean_line, slug


def add_show(session: Session, wanted: str, public_url: str, **fields: Any) -> Show:
    """A new show; `title` defaults to its slug in words. A slug that is reserved or taken is refused."""
    name = slug(wanted)
    if name in RESERVED_SLUGS or name != wanted:
        raise Refused(
            f"{wanted!r} cannot be a show's slug; use small letters, digits and dashes, such as {name}-show", code="bad_slug"
        )
    if session.scalar(select(ShowRow.id).where(ShowRow.slug == name)):
        raise Refused(f"there is a show {name} already; choose another slug", code="show_exists")
    guid = podcast_guid(f"{public_url.rstrip('/')}/{name}/feed.xml")
    title = clean_line(fields.pop("title", "") or name.replace("-", " ").capitalize())
    audio = _said(fields.pop("audio", {}))
    row = ShowRow(id=str(uuid.uuid4()), slug=name, guid=guid, title=title, audio=audio, **_cleaned(fields))
    session.add(row)
    session.flush()
    return show_of(row)


def edit_show(session: Session, show_slug: str, **fields: Any) -> Show:
    """The show with those fields changed; of `audio` only what is named, None makes it the installation's again."""
    row = show_row(session, show_slug)
    if row is None:
        raise Refused(f"there is no show {show_slug}; see: aircheck show list", code="unknown_show")
    row.audio = _said({**(row.audio or {}), **fields.pop("audio", {})})
    for key, value in _cleaned(fields).items():
        setattr(row, key, value)
    session.flush()
    return show_of(row)


def _said(audio: dict[str, Any]) -> dict[str, Any]:
    """What a show says of its sound, as its column keeps it."""
    plain = {key: json_of(value) if isinstance(value, KeptFile) else value for key, value in audio.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _cleaned(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: clean_block(value) if isinstance(value, str) else value for key, value in fields.items()}
