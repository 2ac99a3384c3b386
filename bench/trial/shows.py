"""A show and as many episodes of it as are wanted, as values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from feeds.catalogue import Episode, Person, Show, StoredRendition, WordsInfo, episode_guid, episode_slug
from feeds.site import Site
from pipeline.models import Activity, Chapter, Cut, Sound, VoiceLevel

SITE = Site(public_url="https://pods.example", hub_url="https://hub.example/")
STARTED_AT = datetime(2026, 11, 17, 19, 0, tzinfo=UTC)


def a_show(**changes: object) -> Show:
    show = Show(
        id="1", slug="tuesday", guid="4b90ee2d-c462-5039-9c5d-be2e3147785c", title="Tuesday & Friends",
        description="Talk about bread.", author="Ana Costa", owner_email="ana@example.org",
        language="en", category="Documentary", explicit=False, access="public",
        consent="notice", distribution="auto", drafts="private", feed_rev=3, published_rev=2,
    )  # fmt: skip
    return replace(show, **changes)  # type: ignore[arg-type]


PEOPLE = (
    Person(identity="u1", name="Ana Costa", role="host", url="https://ana.example/", image="https://ana.example/a.jpg"),
    Person(identity="u2", name="Ben Ito", role="speaker"),
    Person(identity="u3", name="Cem", role="moderator", url="javascript:alert(1)"),
    Person(identity="u4", name="Lena Listener", role="listener"),
    Person(identity="u5", name="Rolf Refused", role="speaker"),
)


def a_sound(**changes: object) -> Sound:
    """620 s of a room of which 10 s at each end are cut: 600 s of an episode."""
    sound = Sound(
        source_s=620.0, duration_s=600.0, target_lufs=-19.0, channels=1,
        voices=tuple(
            VoiceLevel(participant=p, name=p, role="speaker", speech_s=60.0, before_lufs=-30.0, after_lufs=-19.0)
            for p in ("u1", "u2", "u3", "u4")
        ),
        activity=Activity(bin_s=10.0, voices=(("u1", (-20,) * 60), ("u2", (-30,) * 60))),
        cuts=(Cut(start_s=0.0, end_s=10.0, why="silence"), Cut(start_s=610.0, end_s=620.0, why="silence")), losses=(),
    )  # fmt: skip
    return replace(sound, **changes)  # type: ignore[arg-type]


CHAPTERS = (
    Chapter(start_s=10.0, end_s=130.0, title="Why bread", source="computed"),
    Chapter(start_s=130.0, end_s=300.25, title="Flour & water <1 kg>", source="pinned", url="https://example.org/flour?a=1&b=2"),
    Chapter(start_s=300.25, end_s=620.0, title="A question from the room", source="computed"),
)


def an_episode(number: int = 1, **changes: object) -> Episode:
    """Complete, with words; the higher its number the newer."""
    guid = episode_guid(a_show().guid, "livekit", f"RM_{number}")
    slug = episode_slug(guid)
    started_at = STARTED_AT + timedelta(days=number)
    episode = Episode(
        guid=guid, recording_id=f"REC_{number}", slug=slug, show_slug="tuesday", state="complete", title=f"Bread, part {number}",
        description="How to bake.\n\nRecipes: https://example.org/recipes.", language="en", access="public", started_at=started_at,
        created_at=started_at, published_at=started_at + timedelta(hours=2), reason="", people=PEOPLE, sound=a_sound(),
        renditions=renditions(slug), chapters=CHAPTERS, words_key=f"tuesday/{slug}/words.json",
        words=WordsInfo(engine="faster_whisper", model="base", quality="full", language="en", why="", count=12),
    )  # fmt: skip
    return replace(episode, **changes)  # type: ignore[arg-type]


def renditions(slug: str) -> tuple[StoredRendition, ...]:
    forms = (("mp3", "audio/mpeg", 64, 4_800), ("m4a", "audio/mp4", 64, 4_900), ("opus", "audio/ogg", 32, 2_400))
    return tuple(
        StoredRendition(
            format=name, key=f"tuesday/{slug}/episode.{name}", mime_type=mime_type, size_bytes=size_bytes, sha256="0" * 64,
            sha384="ab" * 48, duration_s=600.02, channels=1, bitrate_kbps=bitrate_kbps, integrated_lufs=-19.0, true_peak_dbtp=-1.5,
        )
        for name, mime_type, bitrate_kbps, size_bytes in forms
    )  # fmt: skip
