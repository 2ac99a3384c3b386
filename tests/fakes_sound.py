"""Rooms whose sound has a story: everything a report can tell of, a crowd with hostile names, a room of many cuts, silence."""

from dataclasses import replace

import fakes_pages as room

from feeds.catalogue import Episode, Person
from pipeline.edits import Edits, Mute, Stretch
from pipeline.models import SILENT_DBFS, Activity, Condition, Cut, Loss, Loudness, Repair, Sound, VoiceLevel

LENGTH_S = room.DURATION_S
EARLY_S, LATE_S = 31.0, 40.0
INTRO_S, OUTRO_S = 8.0, 12.0
NAMES = (
    *room.HOSTILE,
    "أمارا أوسي من الغرفة الكبيرة",
    "👩‍👩‍👧‍👦 👩🏽‍🚀 who holds more than one letter together",
    "中村さくらと申しますよろしくお願いいたします",
    "M" * 80,
    "",
)


def told() -> Episode:
    """Four voices from -33.9 to -14.2 LUFS; hum, clipping, noise; cuts, a mute, a loss, repairs, edits of its creator."""
    levels = ((-33.9, -19.05), (-14.2, -18.97), (-23.4, -19.1), (-29.8, -18.9))
    conditions = (None, Condition(noise_lufs=-60.0, clipped=312), Condition(noise_lufs=-45.0, hum_hz=50.0, hum_db=22.0), None)
    voices = tuple(
        VoiceLevel(
            participant=person.identity, name=person.name, role=person.role, speech_s=100.0 + n, before_lufs=before,  # type: ignore[arg-type]
            after_lufs=after, condition=condition,
        )
        for n, (person, (before, after), condition) in enumerate(zip(room.PEOPLE, levels, conditions, strict=True))
    )  # fmt: skip
    source_s = LENGTH_S + EARLY_S + LATE_S
    edits = Edits(
        cuts=(Stretch(start_s=source_s - LATE_S, end_s=source_s),), mutes=(Mute(participant="priya", start_s=400.0, end_s=455.0),)
    )
    sound = Sound(
        source_s=source_s, duration_s=INTRO_S + LENGTH_S + OUTRO_S, target_lufs=-19.0, channels=1, voices=voices,
        activity=behind_music(room.sound().activity),
        cuts=(
            Cut(start_s=0.0, end_s=EARLY_S, why="silence before the first word"),
            Cut(start_s=source_s - LATE_S, end_s=source_s, why="cut by its creator"),
        ),
        losses=(
            Loss(at_s=246.7, lost_s=1.5, why="Jonas's connection dropped packets"),
            Loss(at_s=None, lost_s=0.0, why="Jonas was recorded too loud"),
        ),
        mutes=edits.mutes, intro_s=INTRO_S, outro_s=OUTRO_S,
        before=Loudness(integrated_lufs=-21.4, true_peak_dbtp=0.2, loudness_range_lu=14.1),
        after=Loudness(integrated_lufs=-19.02, true_peak_dbtp=-1.31, loudness_range_lu=4.2),
        repairs=(Repair(participant="priya", why="mains hum of 50 Hz was taken out of Priya Raman's track"),),
    )  # fmt: skip
    return room.episode(sound=sound, edits=edits, edits_heard=edits)


def behind_music(activity: Activity) -> Activity:
    """The same with the seconds of intro and outro, in which nobody speaks."""
    before, after = ((SILENT_DBFS,) * round(seconds / activity.bin_s) for seconds in (INTRO_S, OUTRO_S))
    return replace(activity, voices=tuple((who, (*before, *row, *after)) for who, row in activity.voices))


def hall() -> Episode:
    """More voices than a page holds, all of them heard at once."""
    row = room.activity(room.SEGMENTS, LENGTH_S).voices[0][1]
    voices = tuple(
        VoiceLevel(
            participant=f"p{n}", name=f"Guest {n}", role="speaker", speech_s=9.0, before_lufs=-30.0 - n / 10, after_lufs=-16.0
        )
        for n in range(60)
    )
    mutes = tuple(Mute(participant=f"p{n}") for n in range(60))
    activity = Activity(bin_s=room.BIN_S, voices=tuple((voice.participant or "", row) for voice in voices))
    people = tuple(Person(identity=f"p{n}", name=f"Guest {n}", role="speaker") for n in range(60))
    return room.episode(people=people, sound=room.sound(voices=voices, activity=activity, mutes=mutes))


def crowd() -> Episode:
    """Twelve who chose their names with care; the third never speaks."""
    spoken = room.activity(room.SEGMENTS, LENGTH_S).voices
    silent = (SILENT_DBFS,) * len(spoken[0][1])
    voices = tuple(
        VoiceLevel(
            participant=f"p{n}", name=name, role="speaker", speech_s=0.0 if n == 2 else 20.0,
            before_lufs=None if n == 2 else -40.0 + 2.5 * n, after_lufs=None if n == 2 else -16.0,
            condition=Condition(noise_lufs=-30.0, hum_hz=60.0, clipped=1200) if n % 2 else None,
        )
        for n, name in enumerate(NAMES)
    )  # fmt: skip
    activity = Activity(
        bin_s=room.BIN_S, voices=tuple((f"p{n}", silent if n == 2 else spoken[n % 4][1]) for n in range(len(NAMES)))
    )
    repairs = tuple(Repair(participant=f"p{n}", why=f"steady noise was lowered in {name}'s track") for n, name in enumerate(NAMES))
    mutes = tuple(Mute(participant=f"p{n}", start_s=10.0 * n, end_s=10.0 * n + 5) for n in range(4))
    people = tuple(Person(identity=f"p{n}", name=name, role="speaker") for n, name in enumerate(NAMES))
    sound = room.sound(voices=voices, activity=activity, repairs=repairs, mutes=mutes)
    return room.episode(title=NAMES[0], people=people, sound=sound)


def mixed() -> Episode:
    """One file of everybody."""
    everybody = VoiceLevel(participant=None, name="", role="speaker", speech_s=500.0, before_lufs=-24.4, after_lufs=-16.2)
    return room.episode(sound=replace(room.mixed_sound(), voices=(everybody,)))


def patched() -> Episode:
    """Three hours with forty cuts and twenty losses."""
    source_s = 3 * 3600.0
    cuts = tuple(
        Cut(start_s=60 + 260.0 * n, end_s=63 + 260.0 * n + 15 * (n % 7), why="a long pause was shortened") for n in range(40)
    )
    left_s = source_s - sum(cut.end_s - cut.start_s for cut in cuts)
    rows = room.sound().activity.voices
    sound = room.sound(
        source_s=source_s, duration_s=left_s, cuts=cuts, activity=Activity(bin_s=left_s / len(rows[0][1]), voices=rows),
        losses=tuple(Loss(at_s=500.0 + 200 * n, lost_s=2.0, why="packets were lost") for n in range(20)),
    )  # fmt: skip
    return room.episode(sound=sound)


def silent() -> Episode:
    """Nothing was heard in it, from start to end."""
    nothing = Loudness(integrated_lufs=None, true_peak_dbtp=None)
    host = VoiceLevel(participant="amara", name="Amara Osei", role="host", speech_s=0.0, before_lufs=None, after_lufs=None)
    activity = Activity(bin_s=1.0, voices=(("amara", (SILENT_DBFS,) * 600),))
    return room.episode(sound=room.sound(voices=(host,), activity=activity, before=nothing, after=nothing))


def old() -> Episode:
    """A row that was written before there were reports."""
    return room.episode()


ROOMS = {"told": told, "crowd": crowd, "hall": hall, "mixed": mixed, "patched": patched, "silent": silent, "old": old}
