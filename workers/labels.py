"""What is written into an episode's own files: decided from its show and episode alone, and never more than its pages tell."""

from feeds.catalogue import Episode, Show
from feeds.script import chapters_of, words_are_public
from pipeline.models import MadeFile, Tags

HOSTS = ("host", "cohost")


def labels(show: Show, episode: Episode, cover: MadeFile) -> Tags:
    """The tags of every rendition; its chapters are those of the feed."""
    hosts = [person.name for person in episode.people if person.role in HOSTS]
    return Tags(
        title=episode.title, artist=show.author or ", ".join(hosts) or show.title, album=show.title,
        date=episode.started_at.date().isoformat(), comment=episode.description, language=episode.language or show.language,
        cover=cover, chapters=chapters_of(episode, drafts=words_are_public(show, episode)),
    )  # fmt: skip
