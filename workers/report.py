"""What `produce --json` prints: everything about a finished episode, as the contract in DESIGN.md names it."""

from collections.abc import Iterator
from typing import Any

from feeds import documents, soundcheck
from feeds.catalogue import Episode, StoredRendition, json_of
from feeds.script import chapters_of, words_are_public
from feeds.web.objects import Local
from pipeline.models import Chapter
from pipeline.stores import Store
from workers.house import House
from workers.ledger import Run


def report(house: House, run: Run) -> dict[str, Any]:
    """The episode of that run with its files, measurements, cuts and times."""
    show, episode = house.episode_of(run.id)
    store = house.store_of(episode)
    sound, told = episode.sound, words_are_public(show, episode)
    return {
        "episode": {"guid": episode.guid, "title": episode.title, "show": show.slug},
        "renditions": [_rendition(house, store, r) for r in episode.renditions],
        "documents": list(_documents(house, store, episode)),
        "chapters": [_chapter(chapter) for chapter in chapters_of(episode, drafts=told)],
        "target_lufs": sound and sound.target_lufs,
        "source_s": sound and sound.source_s,
        "cuts": [{"start_s": c.start_s, "end_s": c.end_s, "why": c.why} for c in (sound.cuts if sound else ())],
        "warnings": [{"at_s": loss.at_s, "lost_s": loss.lost_s, "why": loss.why} for loss in (sound.losses if sound else ())],
        "sound": json_of(soundcheck.report_of(episode)),
        "transcript": _transcript(episode),
        "feed": _place(house, store, f"{show.slug}/feed.xml"),
        "page": house.address(f"{episode.prefix}index.html"),
        "timings_s": {stage: round(seconds, 3) for stage, seconds in run.timings_s.items()},
    }


def _chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        "start_s": chapter.start_s, "end_s": chapter.end_s, "title": chapter.title, "source": chapter.source, "url": chapter.url,
    }  # fmt: skip


def _place(house: House, store: Store, key: str) -> dict[str, str | None]:
    path = store.local_path(key) if isinstance(store, Local) else None
    return {"path": str(path) if path else None, "url": house.address(key)}


def _rendition(house: House, store: Store, stored: StoredRendition) -> dict[str, Any]:
    return {
        **_place(house, store, stored.key), "mime_type": stored.mime_type, "size_bytes": stored.size_bytes,
        "duration_s": stored.duration_s, "sha256": stored.sha256, "channels": stored.channels,
        "integrated_lufs": stored.integrated_lufs, "true_peak_dbtp": stored.true_peak_dbtp,
    }  # fmt: skip


def _documents(house: House, store: Store, episode: Episode) -> Iterator[dict[str, Any]]:
    for document in documents.shelved():
        key = f"{episode.prefix}{document.FILE}"
        stat = store.stat(key)
        if stat:
            yield {"kind": document.KIND, **_place(house, store, key), "mime_type": stat.mime_type, "size_bytes": stat.size_bytes}


def _transcript(episode: Episode) -> dict[str, str]:
    words = episode.words
    if words is None:
        return {"engine": "none", "quality": "none", "why": "the words are not written yet"}
    return {"engine": words.engine, "quality": words.quality, "why": words.why}
