"""The catalogue: shows, episodes, what the machine made of them and what people changed. Owns the MetaData of the one database.

`tables` are its rows, `values` what readers get, `reading` and `writing` lead between them, `names` never change. Functions take
an open Session and never commit: whoever opened it does. Times in the database are unix seconds by the database's own clock,
`db_now()`, but for times that describe the world (when a room started), which come from the room.
"""

from feeds.catalogue.names import PODCAST_NAMESPACE, RESERVED_SLUGS, episode_guid, episode_slug, podcast_guid
from feeds.catalogue.reading import episode_of, episodes, find_episode, find_show, json_of, show_by_id, show_of, show_row, shows
from feeds.catalogue.tables import Base, EpisodeRow, KeyRow, RenditionRow, ShowRow, db_now
from feeds.catalogue.values import Episode, EpisodeState, KeptFile, Original, Person, Show, ShowAudio, StoredRendition, WordsInfo
from feeds.catalogue.writing import add_show, edit_show

__all__ = [
    "PODCAST_NAMESPACE", "RESERVED_SLUGS", "Base", "Episode", "EpisodeRow", "EpisodeState", "KeptFile", "KeyRow", "Original",
    "Person", "RenditionRow", "Show", "ShowAudio", "ShowRow", "StoredRendition", "WordsInfo", "add_show", "db_now", "edit_show",
    "episode_guid", "episode_of", "episode_slug", "episodes", "find_episode", "find_show", "json_of", "podcast_guid",
    "show_by_id", "show_of", "show_row", "shows",
]  # fmt: skip
