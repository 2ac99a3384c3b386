"""What a run is made with: the installation's settings, over them what the show says, over them what its creator edited."""

from dataclasses import replace
from typing import Any

from fakes_rooms import a_room

from feeds.catalogue import ShowAudio, add_show, edit_show, find_show
from pipeline.edits import Edits, Mute
from pipeline.plan import CleanPlan, FilterPlan, LevelPlan, Plan
from workers.database import Database
from workers.job import plan_for
from workers.sections import AudioSettings
from workers.settings import Settings
from workers.wiring import plan_of

INSTALLED = Plan(
    level=LevelPlan(mode="natural", target_lufs=-18.0), filters=FilterPlan(denoise=True), clean=CleanPlan(shorten_pauses=True)
)  # fmt: skip


def planned(**audio: Any) -> Plan:
    return plan_for(INSTALLED, a_room(), ShowAudio(**audio), Edits())


def test_a_show_that_says_nothing_sounds_as_the_installation_does() -> None:
    plan = planned()
    assert (plan.level, plan.filters, plan.clean) == (INSTALLED.level, INSTALLED.filters, INSTALLED.clean)


def test_what_a_show_says_wins_also_where_it_says_no() -> None:
    plan = planned(level="broadcast", denoise=False, trim=False, shorten_pauses=False, target_lufs=-16.0)
    assert plan.level == LevelPlan(mode="broadcast", target_lufs=-16.0)
    assert plan.filters == FilterPlan(denoise=False)
    assert plan.clean == replace(INSTALLED.clean, trim=False, shorten_pauses=False)


def test_the_creators_edits_are_part_of_the_plan() -> None:
    edits = Edits(mutes=(Mute(participant="ann"),))
    assert plan_for(INSTALLED, a_room(), ShowAudio(), edits).edits == edits


def test_every_setting_of_the_sound_reaches_the_plan() -> None:
    audio = AudioSettings(level="natural", target_lufs=-18.0, denoise=True, trim=False, shorten_pauses=True)
    plan = plan_of(Settings(audio=audio))
    assert (plan.level, plan.filters) == (INSTALLED.level, INSTALLED.filters)
    assert (plan.clean.trim, plan.clean.shorten_pauses) == (False, True)


def test_a_show_keeps_what_it_says_of_its_sound_and_may_unsay_it(database: Database) -> None:
    with database.begin() as session:
        add_show(session, "wednesday", "https://pods.example", audio={"level": "natural", "denoise": None})
        edit_show(session, "wednesday", audio={"trim": False}, title="Wednesdays")
    with database.read() as session:
        show = find_show(session, "wednesday")
    assert show and (show.title, show.audio) == ("Wednesdays", ShowAudio(level="natural", trim=False))
    with database.begin() as session:
        assert edit_show(session, "wednesday", audio={"level": None}).audio == ShowAudio(trim=False)


def test_a_show_that_is_only_renamed_keeps_its_sound(database: Database) -> None:
    with database.begin() as session:
        add_show(session, "wednesday", "https://pods.example", audio={"target_lufs": -16.0})
        assert edit_show(session, "wednesday", title="Other").audio == ShowAudio(target_lufs=-16.0)
