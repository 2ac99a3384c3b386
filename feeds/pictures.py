"""Pictures of chapters, known by their content: where they are kept, and how they are read again."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace

from feeds.catalogue import Episode
from pipeline.stores import Store

_PUBLIC = re.compile(r"chapter-[0-9a-f]{16}\.jpg")


def kept_key(episode: Episode, image: str) -> str:
    """Where the private store keeps the picture with that sha256."""
    return f"{episode.prefix}pictures/{image}.jpg"


def is_picture(name: str) -> bool:
    """Whether a file of an episode's public folder is the picture of a chapter."""
    return bool(_PUBLIC.fullmatch(name))


def read_pictures(private: Store, episode: Episode) -> Mapping[str, bytes]:
    """The pictures of its chapters by sha256, as far as they are still what was kept."""
    named = dict.fromkeys(chapter.image for chapter in episode.chapters if chapter.image)
    found = {image: private.get(kept_key(episode, image)) or b"" for image in named}
    return {image: content for image, content in found.items() if hashlib.sha256(content).hexdigest() == image}


def with_pictures(episode: Episode, images: Mapping[str, bytes]) -> Episode:
    """The episode, no chapter of which has any other picture than those."""
    return replace(episode, chapters=tuple(c if c.image in images else replace(c, image="") for c in episode.chapters))
