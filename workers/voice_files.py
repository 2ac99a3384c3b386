"""Each voice of an episode as a file of its own, for its creator, in the private store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from feeds.catalogue import Episode
from pipeline.naming import file_name
from pipeline.stores import Store, mime_type_of
from pipeline.text import slug

if TYPE_CHECKING:
    from pipeline.apart import Voice
    from pipeline.models import Heard, Timeline
    from workers.job import Job

CACHE = "private, no-store"


def keys_of(private: Store, episode: Episode) -> tuple[str, ...]:
    """Where in the private store an episode's voices lie, in their order; empty where none are kept."""
    return tuple(sorted(private.keys(_folder(episode))))


def made(job: "Job", timeline: "Timeline", heard: "Heard") -> "tuple[Voice, ...]":
    """The voices, where the show wants them."""
    from pipeline.apart import apart

    return job.shop.once(apart, timeline, heard, job.plan.level) if job.keeps_voices else ()


def keep(job: "Job", voices: "Sequence[Voice]") -> None:
    """Put them where they belong. Those of an earlier sound go: whoever was muted since is in no file of the episode."""
    job.heart.must_hold()
    kept = {_key(job.episode, voice): voice for voice in voices}
    for key in set(keys_of(job.house.private, job.episode)) - kept.keys():
        job.house.private.delete(key)
    for key, voice in kept.items():
        job.heart.must_hold()
        name = file_name(f"{job.show.title} - {job.episode.title} - {voice.participant.name}", voice.file.path.suffix)
        job.house.private.put(key, voice.file.path, mime_type=mime_type_of(key), cache_control=CACHE, filename=name)


def _key(episode: Episode, voice: "Voice") -> str:
    """With two figures, so that their order is that of the voices."""
    return f"{_folder(episode)}{voice.number:02}-{slug(voice.participant.name, 'voice')}{voice.file.path.suffix}"


def _folder(episode: Episode) -> str:
    return f"{episode.prefix}voices/"
