"""What is written into an episode's own files: decided from its show and episode alone."""

from feeds.catalogue import Episode, Show
from pipeline.clock import TimeMap
from pipeline.models import Chapter, MadeFile, Tags

HOSTS = ("host", "cohost")


def labels(show: Show, episode: Episode, chapters: tuple[Chapter, ...], time_map: TimeMap, cover: MadeFile) -> Tags:
    """The tags of every rendition; chapters come in room seconds and leave in episode seconds."""
    hosts = [person.name for person in episode.people if person.role in HOSTS]
    return Tags(
        title=episode.title, artist=show.author or ", ".join(hosts) or show.title, album=show.title,
        date=episode.started_at.date().isoformat(), comment=episode.description, language=episode.language or show.language,
        cover=cover, chapters=tuple(_heard(chapter, time_map) for chapter in chapters),
    )  # fmt: skip


def _heard(chapter: Chapter, time_map: TimeMap) -> Chapter:
    return Chapter(
        start_s=time_map.episode_s(chapter.start_s), end_s=time_map.episode_s(chapter.end_s),
        title=chapter.title, source=chapter.source, url=chapter.url,
    )  # fmt: skip
