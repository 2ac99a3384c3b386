"""An episode's chapters as its creator sees them: those made from draft words, too."""

from feeds.catalogue import Episode
from feeds.script import chapters_of
from pipeline.models import Chapter


def own_chapters(episode: Episode) -> tuple[Chapter, ...]:
    """In episode seconds."""
    return chapters_of(episode, drafts=True)
