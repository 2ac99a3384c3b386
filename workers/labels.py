"""What is written into an episode's own files: decided from its show, episode and words, and never more than its pages tell."""

from feeds.catalogue import Episode, Show
from feeds.documents.transcript_txt import spoken
from feeds.script import named, tell, words_are_public
from pipeline.models import MadeFile, Transcript
from pipeline.telling import Tags

HOSTS = ("host", "cohost")


def labels(show: Show, episode: Episode, cover: MadeFile, transcript: Transcript | None = None) -> Tags:
    """The tags of every rendition; chapters and words are those of its pages, and words that are not told there are in no file."""
    hosts = [person.name for person in named(episode) if person.role in HOSTS]
    script = tell(episode, transcript if words_are_public(show, episode) else None)
    return Tags(
        title=episode.title, artist=show.author or ", ".join(hosts) or show.title, album=show.title,
        date=episode.started_at.date().isoformat(), comment=episode.description, language=script.language or show.language,
        cover=cover, chapters=script.chapters, lyrics=spoken(script),
    )  # fmt: skip
