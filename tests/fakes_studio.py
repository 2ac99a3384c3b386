"""A whole installation in a folder, as the web sees it: a real database, real folder stores, fake workers; and rooms to fill it."""

import hashlib
import io
import math
import random
import struct
import threading
import time
import uuid
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fakes_hands import FakeWork
from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from feeds.catalogue import Base, EpisodeRow, RenditionRow, add_show, episode_guid, episode_slug, json_of, show_row
from feeds.web.app import WebConfig, create_app
from feeds.web.login import new_login
from pipeline.models import SILENT_DBFS, Activity, Chapter, Cut, Loss, Quality, Segment, Sound, Transcript, VoiceLevel, Word
from pipeline.stores import mime_type_of, open_store
from workers.database import Database, open_database

LIVE_ON = datetime(2026, 11, 12, 20, 0, tzinfo=UTC)
BIN_S = 2.0
PEOPLE = (("amara", "Amara Osei", "host"), ("jonas", "Jonas Lindqvist", "speaker"), ("priya", "Priya Raman", "speaker"))
CHAPTERS = ("Doors open", "The page at 02:14", "Who was actually on call", "Apologies that help")


class House:
    """One installation; its verbs are what happens to its rooms."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.database: Database = open_database(f"sqlite:///{folder / 'aircheck.db'}")
        Base.metadata.create_all(self.database.engine)
        self.public = open_store((folder / "public").as_uri())
        self.private = open_store((folder / "private").as_uri())
        self.work = FakeWork()
        self.config = WebConfig(**{"public_url": "http://testserver", "version": "1.2.3", **config})

    def app(self) -> FastAPI:
        return create_app(
            catalogue=self.database.begin, reading=self.database.read, public=self.public, private=self.private, work=self.work,
            config=self.config,
        )  # fmt: skip

    def close(self) -> None:
        self.database.close()

    # ---- what happens

    def login(self) -> str:
        """A fresh one-time secret."""
        with self.database.begin() as session:
            return new_login(session)

    def opens_show(self, slug: str = "late-build", **fields: Any) -> None:
        with self.database.begin() as session:
            add_show(session, slug, self.config.public_url, **fields)

    def stores(self, key: str, content: bytes, cache_control: str = "public, max-age=300") -> None:
        self.public.put(key, content, mime_type=mime_type_of(key), cache_control=cache_control)

    def room_ends(self, name: str, *, show: str = "late-build", days_ago: float = 0, **fields: Any) -> str:
        """A room has ended and its event was acknowledged; gives back the episode's slug, which is the recording's id as well."""
        with self.database.begin() as session:
            row = show_row(session, show)
            assert row is not None
            guid = episode_guid(row.guid, "folder", f"{name}{uuid.uuid4()}")
            slug = episode_slug(guid)
            people = [{"identity": i, "name": n, "role": r, "url": "", "image": ""} for i, n, r in PEOPLE]
            started_at = (LIVE_ON - timedelta(days=days_ago)).isoformat()
            about = {"title": name, "started_at": started_at, "people": people, "access": row.access, **fields}
            session.add(EpisodeRow(guid=guid, show_id=row.id, recording_id=slug, slug=slug, **about))
        return slug

    def changes(self, slug: str, **fields: Any) -> None:
        with self.database.begin() as session:
            row = session.query(EpisodeRow).filter_by(slug=slug).one()
            for name, value in fields.items():
                setattr(row, name, value)

    def becomes_audible(
        self, slug: str, *, formats: tuple[str, ...] = ("mp3", "m4a", "opus"), minutes: float = 58, **sound: Any
    ) -> None:
        """Its sound is made, stored in private and in the catalogue."""
        made = replace(invented_sound(minutes * 60), **sound)
        with self.database.begin() as session:
            row = session.query(EpisodeRow).filter_by(slug=slug).one()
            row.state, row.sound = "audible", json_of(made)
            for position, name in enumerate(formats):
                row.renditions.append(self._rendition(row, name, position, made.duration_s))

    def becomes_complete(self, slug: str, *, quality: Quality = "full", why: str = "") -> None:
        """Its words and chapters are there."""
        transcript = invented_words(quality)
        key = f"late-build/{slug}/words.json"
        self.private.put(key, TypeAdapter(Transcript).dump_json(transcript), mime_type="application/json", cache_control="no-store")
        words = {"engine": "faster_whisper", "model": "small", "quality": quality, "language": "en", "why": why, "count": 9522}
        sound = invented_sound(3480)
        edges = [n * sound.source_s / len(CHAPTERS) for n in range(len(CHAPTERS) + 1)]
        chapters = [
            Chapter(start_s=a, end_s=b, title=t, source="computed") for a, b, t in zip(edges, edges[1:], CHAPTERS, strict=False)
        ]
        self.changes(slug, state="complete", words=words, words_key=key, chapters=json_of(chapters))

    def publishes(self, slug: str) -> None:
        self.changes(slug, published_at=time.time())

    def _rendition(self, row: EpisodeRow, name: str, position: int, duration_s: float) -> RenditionRow:
        key = f"{row.show.slug}/{row.slug}/episode.{name}"
        content = tone(min(duration_s, 90)) if name == "wav" else hashlib.sha256(key.encode()).digest() * 4096
        stat = self.private.put(key, content, mime_type=mime_type_of(key), cache_control="public, max-age=300")
        return RenditionRow(
            episode_guid=row.guid, format=name, position=position, key=key, mime_type=stat.mime_type, size_bytes=stat.size_bytes,
            sha256=stat.sha256, duration_s=duration_s, channels=1, bitrate_kbps=96, integrated_lufs=-19.0, true_peak_dbtp=-1.3,
        )  # fmt: skip


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of a real server on this machine."""
    config = uvicorn.Config(app, port=0, log_level="info", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


# ---- signing in


def enter(client: TestClient, token: str) -> None:
    """Press the button behind a one-time address."""
    page = client.get(f"/studio/login/{token}")
    assert page.status_code == 200
    client.headers["Origin"] = "http://testserver"
    answer = client.post(f"/studio/login/{token}", data={"mark": mark_in(page.text)})
    assert answer.status_code == 303, answer.text


def mark_in(html: str) -> str:
    """What a form of that page carries."""
    return html.partition('name="mark" value="')[2].partition('"')[0]


# ---- rooms


def invented_sound(room_s: float) -> Sound:
    """Three voices that take turns, half a minute of silence cut at the beginning, 1.5 seconds lost."""
    cut = Cut(start_s=0, end_s=min(31.0, room_s / 4), why="silence before the room began")
    duration_s = room_s - cut.end_s
    turns = random.Random(7)
    bins = int(duration_s / BIN_S)
    rows = [[SILENT_DBFS] * bins for _ in PEOPLE]
    at, last = 0, 0
    while at < bins:
        speaker = turns.choice([n for n in range(len(PEOPLE)) if n != last])
        for n in range(at, min(bins, at + turns.randint(4, 30))):
            rows[speaker][n] = turns.randint(-34, -16)
            at = n
        at, last = at + turns.randint(1, 3), speaker
    levels = [(-34.1, -19.0), (-23.4, -19.1), (-11.5, -19.0)]
    return Sound(
        source_s=room_s, duration_s=duration_s, target_lufs=-19, channels=1,
        voices=tuple(
            VoiceLevel(participant=i, name=n, role=r, speech_s=duration_s / 3, before_lufs=b, after_lufs=a)  # type: ignore[arg-type]
            for (i, n, r), (b, a) in zip(PEOPLE, levels, strict=True)
        ),
        activity=Activity(bin_s=BIN_S, voices=tuple((i, tuple(row)) for (i, _, _), row in zip(PEOPLE, rows, strict=True))),
        cuts=(cut,), losses=(Loss(at_s=2467.0, lost_s=1.5, why="Jonas's connection dropped packets."),),
    )  # fmt: skip


def invented_words(quality: Quality) -> Transcript:
    said = (("amara", 40.0, "Good evening and welcome back."), ("jonas", 46.0, "The page came at fourteen minutes past two."))
    segments = tuple(
        Segment(
            speaker=speaker, start_s=at, end_s=at + 4, text=text,
            words=tuple(Word(text=w, start_s=at + n / 3, end_s=at + n / 3 + 0.3) for n, w in enumerate(text.split())),
        )
        for speaker, at, text in said
    )  # fmt: skip
    return Transcript(engine="faster_whisper", model="small", quality=quality, language="en", segments=segments)


def tone(seconds: float, rate_hz: int = 8000) -> bytes:
    """A quiet beep a second, as WAV."""
    beep = [int(2000 * math.sin(n * 2 * math.pi * 440 / rate_hz) * (n < rate_hz // 8)) for n in range(rate_hz)]
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(struct.pack(f"<{rate_hz}h", *beep) * int(seconds))
    return buffer.getvalue()
