"""Who is shown, in which colour, and with how much of the talk."""

import fakes_pages as room
import pytest

from feeds.catalogue import Person
from feeds.pages.voices import VOICE_COLOURS, colours_by_name, initials, voices
from pipeline.models import SILENT_DBFS, Activity


def test_shares_are_of_all_talk_and_the_host_is_first() -> None:
    shown = voices(room.episode())
    assert shown[0].name == "Amara Osei" and shown[0].role == "Host"
    assert sum(v.share for v in shown) == pytest.approx(1.0)
    assert [v.colour for v in shown] == [1, 2, 3, 4]


def test_listeners_are_one_voice_without_a_name() -> None:
    talk = (-20,) * 10
    crowd = tuple(Person(identity=f"l{n}", name=f"Listener {n}", role="listener") for n in range(6))
    activity = Activity(bin_s=1.0, voices=(("amara", talk), *((p.identity, talk) for p in crowd)))
    last = voices(room.episode(people=(*room.PEOPLE, *crowd), sound=room.sound(activity=activity)))[-1]
    assert (last.name, last.role, last.initials, last.audience) == ("From the room", "Six voices", "6", True)
    assert not last.names


def test_more_speakers_than_colours_share_the_last_one() -> None:
    many = tuple(Person(identity=f"p{n}", name=f"Person {n}", role="speaker") for n in range(11))
    activity = Activity(bin_s=1.0, voices=tuple((p.identity, (-20, SILENT_DBFS)) for p in many))
    shown = voices(room.episode(people=many, sound=room.sound(voices=(), activity=activity)))
    assert len(shown) == len(VOICE_COLOURS) == shown[-1].colour
    assert (shown[-1].name, shown[-1].role) == ("Others", "Four voices")
    assert colours_by_name(shown)["Person 10"] == len(VOICE_COLOURS)


def test_in_one_file_of_everybody_nobody_has_a_colour_or_a_share() -> None:
    shown = voices(room.episode(sound=room.mixed_sound()))
    assert [(v.name, v.colour, v.share) for v in shown] == [
        ("Amara Osei", 0, None),
        ("Jonas Lindqvist", 0, None),
        ("Priya Raman", 0, None),
    ]


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Amara Osei", "AO"), ("Tomás de la Cruz", "TC"), ("Prince", "P"), ('"DJ" (Kit)', "DK"), ("李小龙", "李"), ("<>", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_only_addresses_of_the_web_become_links() -> None:
    people = (Person(identity="amara", name="Amara Osei", role="host", url="javascript:alert(1)"), *room.PEOPLE[1:])
    shown = voices(room.episode(people=people))
    assert [v.url for v in shown[:2]] == ["", "https://lindqvist.example/"]


def test_a_voice_that_nobody_may_name_is_a_guest_and_shows_no_identity() -> None:
    unnamed = (room.PEOPLE[0], Person(identity="jonas", name="", role="speaker"), room.PEOPLE[2])
    shown = voices(room.episode(people=unnamed, sound=room.sound(voices=())))
    assert [(v.name, v.initials, v.names) for v in shown][1] == ("A guest", "?", ())
    assert not any(v.identities[0] in (v.name, v.role) for v in shown)
