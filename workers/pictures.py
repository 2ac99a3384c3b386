"""Pictures that were pinned with a room's topics: fetched beside its sound, made small, kept in the private store by their content.

None is worth an episode: one that cannot be had is left out, and its creator told.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.catalogue import Episode
from feeds.pictures import kept_key, read_pictures
from pipeline.errors import Broken, Hindered, Refused
from pipeline.journal import write_whole
from pipeline.models import Loss, MadeFile, Recording, RoomEvent
from pipeline.picture import small_picture
from pipeline.stores import Store
from pipeline.upload import Sending, upload
from workers.fetch import fetch_picture

if TYPE_CHECKING:
    from workers.job import Job

CACHE = "private, no-store"
# A room has no more of them, and an episode does not wait longer for those that come from afar.
MOST = 50
MOST_S = 60.0


def pictured(job: "Job") -> tuple[Recording, tuple[Loss, ...]]:
    """The recording, whose events name their pictures by what is kept of them; and what was left out."""
    wanted = {event.image: event for event in reversed(job.recording.events) if event.image}
    if not wanted:
        return job.recording, ()
    with job.shop.stage("fetch"):
        images, losses = _kept_of(job, sorted(wanted.values(), key=lambda event: event.t_s))
    # what once was found is not missed because it cannot be had today
    before = {chapter.title: chapter.image for chapter in job.episode.chapters if chapter.source == "pinned"}
    events = (replace(e, image=e.image and (images.get(e.image) or before.get(e.title, ""))) for e in job.recording.events)
    return replace(job.recording, events=tuple(events)), losses


def pictures_here(private: Store, episode: Episode, folder: Path) -> tuple[MadeFile, ...]:
    """The pictures of the episode's chapters, on this machine."""
    folder.mkdir(exist_ok=True)
    for image, content in (found := read_pictures(private, episode)).items():
        write_whole(folder / f"{image}.jpg", content)
    return tuple(MadeFile.of(folder / f"{image}.jpg") for image in found)


def _kept_of(job: "Job", events: list[RoomEvent]) -> tuple[Mapping[str, str], tuple[Loss, ...]]:
    """The sha256 of what is kept, by the path it came from, and why there is none of the others."""
    images: dict[str, str] = {}
    losses = [_left_out(event, f"a room has {MOST} at most") for event in events[MOST:][:1]]
    ends_at = time.monotonic() + MOST_S
    for event in events[:MOST]:
        try:
            images[event.image] = _kept(job, event.image, ends_at - time.monotonic())
        except Hindered:
            raise
        except (Refused, Broken) as error:
            losses.append(_left_out(event, str(error)))
    return images, tuple(losses)


def _kept(job: "Job", path: str, most_s: float) -> str:
    """The sha256 of the small picture that is made of that one, and now lies in the private store."""
    if most_s <= 0:
        raise Broken(f"the pictures of this room take longer than {MOST_S:.0f} s", code="too_slow")
    scratch, house = job.shop.scratch, job.house
    to = scratch / "pictures" / sha256(path.encode()).hexdigest()[:16]
    came = fetch_picture(path, job.root, to=to, most_s=most_s, settings=house.settings)
    small = job.shop.journal.once(small_picture, came, children=job.shop.children, scratch=scratch)
    job.heart.must_hold()
    key = kept_key(job.episode, small.sha256)
    upload(house.private, [Sending(made=small, key=key, mime_type="image/jpeg", cache_control=CACHE)])
    return small.sha256


def _left_out(event: RoomEvent, why: str) -> Loss:
    return Loss(at_s=event.t_s, lost_s=0.0, why=f"the picture of “{event.title}” is left out: {why}")
