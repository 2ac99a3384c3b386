"""A lossless master of an episode for its creator, in the private store: what listeners hear, before any loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from feeds.catalogue import Episode
from pipeline.models import Rendition
from pipeline.naming import file_name

if TYPE_CHECKING:
    from workers.job import Job

FORMAT = "flac"
CACHE = "private, no-store"


def key_of(episode: Episode) -> str:
    """Where in the private store an episode's master lies, if there is one."""
    return f"{episode.prefix}master.flac"


def set_apart(job: "Job", verified: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """The renditions that are for listeners; the master among them is put where it belongs.

    One that was kept of an earlier sound never outlives it: what has been cut since, or muted, is in no file of the episode.
    """
    master = next((one for one in verified if one.format == FORMAT), None) if job.keeps_master else None
    job.heart.must_hold()
    if master:
        name = file_name(f"{job.show.title} - {job.episode.title}", ".flac")
        job.house.private.put(
            key_of(job.episode), master.file.path, mime_type=master.mime_type, cache_control=CACHE, filename=name
        )  # fmt: skip
    elif job.episode.renditions:
        job.house.private.delete(key_of(job.episode))
    return tuple(one for one in verified if one.format in job.plan.encode.formats)
