"""What the studio's pages show at this moment, in pieces that can be compared with what a browser has already."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from feeds.catalogue import Episode, EpisodeRow, ShowRow, episode_of
from feeds.web.html import rendered
from feeds.web.parts import Web
from feeds.web.studio.cells import cells
from feeds.web.studio.files import downloads
from feeds.web.studio.notes import notes
from feeds.web.studio.soundcheck import checked
from feeds.web.studio.strips import Strips, strips
from feeds.web.studio.told import Told, told
from feeds.web.work import RunState

PAGE_EPISODES = 30
_KEPT_EPISODES = 600
# So many late rooms are told one by one; of the others their number.
LATE_ROOMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What somebody looks at: one episode, or a page of the episodes of one show or all."""

    episode: str = ""
    show: str = ""
    page: int = 1

    @property
    def frame(self) -> str:
        """The id of the element that holds the pieces."""
        return "episode" if self.episode else "episodes"

    @property
    def query(self) -> str:
        """The same in an address."""
        said = {"episode": self.episode, "show": self.show, "page": self.page if self.page > 1 else ""}
        return urlencode({name: value for name, value in said.items() if value})

    def at(self, page: int) -> "View":
        """The same on another page."""
        return replace(self, page=page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The pieces of a page in their order, each by the id of its element."""

    frame: str
    pieces: Mapping[str, str]

    @property
    def hashes(self) -> dict[str, str]:
        """What a browser that has this look has: for comparing later."""
        return {name: _short_hash(html) for name, html in self.pieces.items()}

    @property
    def version(self) -> str:
        """A name that is the same for the same look, whichever process tells it."""
        return _short_hash("\n".join(f"{name} {digest}" for name, digest in self.hashes.items()))

    @property
    def html(self) -> str:
        """The whole frame."""
        return f'<div id="{self.frame}" class="{self.frame}">{"".join(self.pieces.values())}</div>'

    def since(self, known: Mapping[str, str] | None) -> str:
        """What to swap in a browser that has what is known: the changed pieces, or the frame where others came or went."""
        hashes = self.hashes
        if known is None or list(known) != list(hashes):
            return _swap(self.frame, self.html)
        return "".join(_swap(name, html) for name, html in self.pieces.items() if known[name] != hashes[name])


def _swap(name: str, html: str) -> str:
    return f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>'


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Board:
    """Looks at the catalogue and the workers; draws again only what has changed since anybody looked last."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str], tuple[object, dict[str, str]]] = {}
        self._lock = Lock()

    def look(self, web: Web, view: View, now: datetime) -> Look | None:
        """What that view shows; None where there is no such episode."""
        with web.reading() as session:
            rows = session.execute(_rows(view)).all()
        if view.episode and not rows:
            return None
        runs = web.work.runs([row.recording_id for row in rows])
        marks = {row.guid: _mark(row, runs.get(row.recording_id), now) for row in rows}
        changed = [guid for guid, mark in marks.items() if self._kept(view.frame, guid, mark) is None]
        for shown in _shown(web, changed, runs, now) if changed else ():
            self._keep(view.frame, shown.episode.guid, marks[shown.episode.guid], _PIECES[view.frame](shown))
        pieces = [_late_piece(web, view), *(self._kept(view.frame, guid, mark) or {} for guid, mark in marks.items())]
        return Look(frame=view.frame, pieces={name: html for drawn in pieces for name, html in drawn.items()})

    def _kept(self, frame: str, guid: str, mark: object) -> dict[str, str] | None:
        with self._lock:
            known, pieces = self._drawn.get((frame, guid), (None, {}))
        return pieces if known == mark else None

    def _keep(self, frame: str, guid: str, mark: object, pieces: dict[str, str]) -> None:
        with self._lock:
            self._drawn.pop((frame, guid), None)
            self._drawn[frame, guid] = (mark, pieces)
            while len(self._drawn) > _KEPT_EPISODES:
                self._drawn.pop(next(iter(self._drawn)))


def count(session: Session, show: str = "") -> int:
    """How many episodes there are, of one show or of all."""
    query = select(func.count()).select_from(EpisodeRow)
    return session.scalar(query.join(ShowRow).where(ShowRow.slug == show) if show else query) or 0


def _rows(view: View) -> Select[Any]:
    """Everything of an episode's row that may change what is shown, without what is long."""
    row = EpisodeRow
    query = select(
        row.guid, row.recording_id, row.state, row.title, row.access, row.published_at, row.reason, row.edits_version, row.words
    ).join(ShowRow)
    if view.episode:
        return query.where(row.slug == view.episode)
    if view.show:
        query = query.where(ShowRow.slug == view.show)
    return query.order_by(row.started_at.desc(), row.guid).limit(PAGE_EPISODES).offset((view.page - 1) * PAGE_EPISODES)


def _mark(row: Row[Any], run: RunState | None, now: datetime) -> object:
    """Changes whenever the episode must be drawn again; what is at work says how long it takes, so it ages by the minute."""
    is_active = run is not None and run.phase == "running"
    return tuple(row), run, int(now.timestamp() // 60) if is_active else 0


# ---- drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """All that is known of an episode when it is drawn."""

    episode: Episode
    run: RunState | None
    told: Told
    strips: Strips
    # where listeners find it; "" while they cannot
    page_url: str


def _shown(web: Web, guids: Sequence[str], runs: Mapping[str, RunState], now: datetime) -> list[_Shown]:
    whole = select(EpisodeRow).where(EpisodeRow.guid.in_(guids))
    with web.reading() as session:
        rows = session.scalars(whole.options(selectinload(EpisodeRow.renditions), joinedload(EpisodeRow.show)))
        episodes = [episode_of(row) for row in rows]
    with_runs = [(episode, runs.get(episode.recording_id)) for episode in episodes]
    return [
        _Shown(
            episode=episode, run=run, told=told(episode, run, now), strips=strips(episode, run),
            page_url=f"{web.pages_at}/{episode.prefix}index.html" if _is_out(episode) else "",
        )
        for episode, run in with_runs
    ]  # fmt: skip


def _is_out(episode: Episode) -> bool:
    is_published = episode.published_at is not None and episode.state in {"audible", "complete"}
    return is_published and episode.access in {"public", "unlisted"}


def _known(shown: _Shown) -> dict[str, object]:
    return {name: getattr(shown, name) for name in _Shown.__dataclass_fields__}


def _late_piece(web: Web, view: View) -> dict[str, str]:
    """On top of the first page: what ended long ago and cannot be heard; nothing while all is well."""
    if view.episode or view.page > 1:
        return {}
    rooms = [room for room in web.work.late() if view.show in ("", room.show_slug)]
    return {"late": rendered("late.html", rooms=rooms[:LATE_ROOMS], more=len(rooms) - LATE_ROOMS)} if rooms else {}


def _row_piece(shown: _Shown) -> dict[str, str]:
    name = f"e-{shown.episode.slug}"
    return {name: rendered("row.html", name=name, **_known(shown))}


def _episode_pieces(shown: _Shown) -> dict[str, str]:
    episode = shown.episode
    more = {
        "cells": cells(episode, shown.run), "downloads": downloads(episode), "notes": notes(episode), "checked": checked(episode),
    }  # fmt: skip
    return {name: rendered(f"{name}.html", **_known(shown), **more) for name in ("head", "bench", "papers", "soundcheck")}


_PIECES = {"episodes": _row_piece, "episode": _episode_pieces}
