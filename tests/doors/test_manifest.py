"""room.json: what is obeyed, what is read past, what is refused in words."""

import copy
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented_manifest import MANIFEST
from pydantic import TypeAdapter

from pipeline.errors import AircheckError, Broken, Refused
from pipeline.models import Recording, RoomEvent
from workers.manifest import parse

Manifest = dict[str, Any]


def heard(manifest: Manifest) -> tuple[Recording, list[str]]:
    warnings: list[str] = []
    return parse(json.dumps(manifest).encode(), warn=warnings.append), warnings


def test_a_manifest_without_fault_is_read_whole_and_without_warning(manifest: Manifest) -> None:
    recording, warnings = heard(manifest)
    assert warnings == []
    assert (recording.recording_id, recording.engine, recording.session_id) == ("EG_abc", "livekit", "RM_xyz")
    assert recording.started_at == datetime(2026, 11, 20, 7, 36, 57, tzinfo=UTC)
    assert recording.description == "One.\n\nTwo."
    assert (recording.access, recording.distribution, recording.consent_policy) == ("public", "auto", "speakers")
    alice, bob = recording.files
    assert (alice.path, alice.kind, alice.participant, alice.start_offset_s, alice.duration_s) == (
        "tracks/1-alice.ogg", "track", "alice", 0.1, 88.0,
    )  # fmt: skip
    assert (bob.size_bytes, bob.part, bob.sha256) == (135815, 1, None)
    event = RoomEvent(t_s=29.8, type="topic_pinned", participant="alice", title="Why record?", url="https://example.org/why")
    assert recording.events == (event,)


def test_only_what_is_required_is_enough() -> None:
    room = {"sid": "RM_1", "started_at": "2026-11-20T09:36:57+02:00"}
    least = {"schema": "room-recording/1", "recording_id": "a", "room": room, "files": [{"path": "mix.wav", "kind": "mix"}]}
    recording, warnings = heard(least)
    assert warnings == []
    assert (recording.engine, recording.access, recording.distribution, recording.consent_policy) == ("file", None, None, None)
    assert recording.started_at == datetime(2026, 11, 20, 7, 36, 57, tzinfo=UTC)


def test_a_listener_is_named_nowhere(manifest: Manifest) -> None:
    manifest["events"].append({"t": 3, "type": "marker", "participant": "eve"})
    recording, _ = heard(manifest)
    assert "'eve'" not in repr(recording) and "Eve" not in repr(recording).replace("RoomEvent", "")


def test_a_listener_who_has_a_track_keeps_their_answer_but_no_name(manifest: Manifest) -> None:
    manifest["participants"][2]["recording_consent"] = False
    manifest["files"].append({"path": "tracks/3.ogg", "kind": "track", "participant": "eve"})
    recording, _ = heard(manifest)
    eve = recording.participants[2]
    assert (eve.identity, eve.name, eve.recording_consent) == ("eve", "", False)


def test_names_are_cleaned_and_an_empty_one_is_the_identity(manifest: Manifest) -> None:
    names = ["</title><script>", "\u202egpj.exe", "a\u0000b", "line\nbreak", "Z" * 5000, "", "Álïçé 🎙", "\ud800"]
    manifest["participants"] = [{"identity": f"p{n}", "name": name} for n, name in enumerate(names)]
    manifest["files"] = [{"path": "mix.wav", "kind": "mix"}]
    recording, _ = heard(manifest)
    shown = [person.name for person in recording.participants]
    assert shown[:4] == ["</title><script>", "gpj.exe", "ab", "line break"]
    assert len(shown[4]) == 255
    assert shown[5:] == ["p5", "Álïçé 🎙", "p7"]


def test_a_track_of_somebody_nobody_listed_has_an_owner(manifest: Manifest) -> None:
    manifest["participants"] = []
    recording, warnings = heard(manifest)
    assert [(p.identity, p.recording_consent) for p in recording.participants] == [("alice", None), ("bob", None)]
    assert len(warnings) == 2


def test_a_no_wins_when_somebody_is_listed_twice(manifest: Manifest) -> None:
    manifest["participants"].append({"identity": "alice", "name": "Other", "recording_consent": False})
    recording, warnings = heard(manifest)
    assert (recording.participants[0].name, recording.participants[0].recording_consent) == ("Alice", False)
    assert "listed twice" in warnings[0]


@pytest.mark.parametrize(
    ("part", "access", "distribution", "policy"),
    [
        ({"room": {"access": "private", "distribution": "none"}}, "private", "none", "speakers"),
        ({"room": {"access": "ticketed", "price": "5.00 USD"}}, "ticketed", "auto", "speakers"),
        ({"room": {"access": "public", "price": "5.00 USD"}}, "ticketed", "auto", "speakers"),
        ({"room": {"access": "friends"}}, "private", "auto", "speakers"),
        ({"room": {"distribution": "maybe"}}, "public", "review", "speakers"),
        ({"room": {"exclusive_until": "2026-12-20T00:00:00Z"}}, "public", "timer", "speakers"),
        ({"room": {"exclusive_until": "2026-12-20T00:00:00Z", "distribution": "none"}}, "public", "none", "speakers"),
        ({"consent": {"policy": "notice", "notice_shown": True}}, "public", "auto", "notice"),
        ({"consent": {"policy": "notice", "notice_shown": False}}, "public", "auto", "speakers"),
        ({"consent": {"policy": "whatever"}}, "public", "auto", "speakers"),
        ({"consent": {"policy": None}}, "public", "auto", None),
    ],
)
def test_who_may_hear_it_is_obeyed_and_what_is_not_understood_is_the_stricter(
    manifest: Manifest, part: Manifest, access: str, distribution: str, policy: str | None
) -> None:
    for section, values in part.items():
        manifest[section].update(values)
    recording, _ = heard(manifest)
    assert (recording.access, recording.distribution, recording.consent_policy) == (access, distribution, policy)


def test_times_that_run_backwards_are_corrected_with_a_warning(manifest: Manifest) -> None:
    manifest["participants"][1].update(joined_at=50.0, left_at=3.0)
    manifest["room"]["ended_at"] = "2026-11-20T07:38:25Z"
    manifest["events"] = [
        {"t": 1e9, "type": "topic_pinned", "title": "late"}, {"t": -5, "type": "marker", "title": "early"},
        {"t": 88.4, "type": "participant_left", "participant": "bob"},
    ]  # fmt: skip
    recording, warnings = heard(manifest)
    assert recording.participants[1].left_at_s is None
    assert [(e.t_s, e.type) for e in recording.events] == [(0.0, "marker"), (88.0, "participant_left")]
    assert len(warnings) == 3


def test_an_end_before_the_start_is_not_believed(manifest: Manifest) -> None:
    manifest["room"]["ended_at"] = "2026-11-20T07:00:00Z"
    recording, warnings = heard(manifest)
    assert recording.ended_at is None and "before its start" in warnings[0]


def test_what_a_dead_recorder_wrote_about_its_file_is_not_believed(manifest: Manifest) -> None:
    manifest["files"][0].update(finalized=False, size=9)
    recording, _ = heard(manifest)
    assert (recording.files[0].duration_s, recording.files[0].size_bytes) == (None, None)


def test_unknown_keys_and_events_are_passed_over(manifest: Manifest) -> None:
    manifest.update(future={"a": 1}, events=[{"t": 3, "type": "hologram_shown", "depth": 3}])
    recording, warnings = heard(manifest)
    assert recording.events == () and warnings == []


def test_addresses_that_are_no_web_addresses_are_left_out(manifest: Manifest) -> None:
    manifest["participants"][0].update(url="javascript:alert(1)", image="data:image/png;base64,xx")
    manifest["events"][0]["url"] = 'https://x/"><script>'
    recording, _ = heard(manifest)
    assert (recording.participants[0].url, recording.participants[0].image, recording.events[0].url) == ("", "", "")


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/passwd", "a\\b.jpg", "https://elsewhere.example/a.jpg", "file:///a.jpg"])
def test_a_picture_that_may_not_be_read_is_left_out_and_the_room_taken(manifest: Manifest, path: str) -> None:
    manifest["events"][0]["image"] = "pictures/why.jpg"
    recording, warnings = heard(manifest)
    assert (recording.events[0].image, warnings) == ("pictures/why.jpg", [])
    manifest["events"][0]["image"] = path
    recording, warnings = heard(manifest)
    assert recording.events[0].image == ""
    assert warnings == ["events with a picture that may not be read stand without it: 1"]


def test_fifty_thousand_events_take_less_than_a_second(manifest: Manifest) -> None:
    manifest["events"] = [{"t": n / 1000, "type": "topic_pinned", "title": "👏"} for n in range(50_000)]
    content = json.dumps(manifest).encode()
    began = time.process_time()
    assert len(parse(content).events) == 50_000
    assert time.process_time() - began < 1


def test_a_byte_order_mark_is_allowed(manifest: Manifest) -> None:
    assert parse(b"\xef\xbb\xbf" + json.dumps(manifest).encode()).recording_id == "EG_abc"


def test_a_recording_that_is_still_written_is_waited_for(manifest: Manifest) -> None:
    manifest["complete"] = False
    with pytest.raises(Broken, match="still being written") as waits:
        heard(manifest)
    assert waits.value.code == "still_recording"


def change(**parts: Any) -> Callable[[Manifest], Manifest]:
    return lambda manifest: {**manifest, **parts}


def in_room(**parts: Any) -> Callable[[Manifest], Manifest]:
    return lambda manifest: {**manifest, "room": {**manifest["room"], **parts}}


def in_file(**parts: Any) -> Callable[[Manifest], Manifest]:
    return lambda manifest: {**manifest, "files": [{**manifest["files"][0], **parts}]}


REFUSED = {
    "another schema": (change(schema="room-recording/9"), "room-recording/9"),
    "no schema": (change(schema=None), "schema is missing"),
    "no id": (change(recording_id=""), "recording_id is missing"),
    "an id with a line break": (change(recording_id="a\nb"), "recording_id must be one plain line"),
    "no room": (change(room=None), "room.started_at is missing"),
    "a room that is a list": (change(room=[]), "room must be an object, not a list"),
    "no sid": (in_room(sid=""), "room.sid is missing"),
    "no zone": (in_room(started_at="2026-11-20T07:36:57"), "with its zone"),
    "no moment": (in_room(started_at="yesterday"), "'yesterday' is no moment"),
    "a moment before the calendar": (in_room(started_at="0001-01-01T00:00:00+14:00"), "is no moment"),
    "a title of numbers": (in_room(title=5), "room.title must be text, not a number"),
    "no files": (change(files=[]), "EG_abc names no files"),
    "files that are text": (change(files="mix.wav"), "files must be a list, not text"),
    "participants that are an object": (change(participants={"alice": 1}), "participants must be a list, not an object"),
    "a participant without identity": (change(participants=[{"name": "x"}]), r"participants\[0\].identity is missing"),
    "an event without time": (change(events=[{"type": "marker"}]), r"events\[0\].t is missing"),
    "an event at no time": (change(events=[{"t": True, "type": "marker"}]), r"events\[0\].t must be a finite number"),
    "complete as a word": (change(complete="yes"), "complete must be true or false, not text"),
    "a path upwards": (in_file(path="../canary.ts"), r"'../canary.ts' may not be read"),
    "a path upwards inside": (in_file(path="a/../../b"), "may not be read"),
    "an absolute path": (in_file(path="/etc/passwd"), "may not be read"),
    "an address": (in_file(path="http://127.0.0.1:9/mix.wav"), "may not be read"),
    "a drive": (in_file(path="C:/mix.wav"), "may not be read"),
    "a backslash": (in_file(path="..\\mix.wav"), "may not be read"),
    "a NUL": (in_file(path="a\0b"), "may not be read"),
    "a lone surrogate": (in_file(path="a\ud800"), "may not be read"),
    "an empty part": (in_file(path="a//b"), "may not be read"),
    "an unknown kind": (in_file(kind="hologram"), "'hologram' is not known; use one of mix, track"),
    "a short sha256": (in_file(sha256="abc"), "is no sha256"),
    "a negative size": (in_file(size=-1), "size must be a whole number"),
    "an enormous number": (in_file(start_offset=10**400), "must be a finite number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_never_be_used_is_refused_in_one_line(manifest: Manifest, name: str) -> None:
    changed, words = REFUSED[name]
    with pytest.raises(Refused, match=words) as refused:
        heard(changed(manifest))
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


NO_JSON: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no JSON"),
    "cut off": (json.dumps({"schema": "room-recording/1"}).encode()[:-5], "no JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
    "doubled keys": (b'{"schema": "room-recording/1", "recording_id": "a", "recording_id": "b"}', "'recording_id' stands twice"),
    "NaN": (b'{"a": NaN}', "NaN is no number"),
    "infinity": (b'{"a": -Infinity}', "-Infinity is no number"),
    "65 brackets": (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 64"),
    "100,000 objects": (b'{"a":' * 100_000, "nested deeper than 64|no JSON"),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
    "a list": (b"[]", "it must be an object, not a list"),
    "too much": (b" " * ((16 << 20) + 1), "16,777,217 bytes are too many"),
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_honest_json_is_refused_in_one_line(name: str) -> None:
    content, words = NO_JSON[name]
    with pytest.raises(Refused, match=words):
        parse(content)


def test_a_number_that_overflows_in_the_text_is_refused(manifest: Manifest) -> None:
    content = json.dumps(manifest).replace("4.26", "1e999").encode()
    with pytest.raises(AircheckError, match="start_offset must be a finite number"):
        parse(content)


def test_sixty_four_brackets_are_allowed(manifest: Manifest) -> None:
    deep: Any = []
    for _ in range(62):
        deep = [deep]
    manifest["future"] = deep
    assert heard(manifest)[0].recording_id == "EG_abc"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [(), ("schema",), ("recording_id",), ("source",), ("room",), ("consent",), ("participants",), ("files",), ("events",)]
PLACES += [("room", key) for key in MANIFEST["room"]] + [("consent", key) for key in MANIFEST["consent"]]
PLACES += [
    (part, n, key) for part in ("participants", "files", "events") for n, entry in enumerate(MANIFEST[part]) for key in entry
]


@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_in_any_field_is_read_or_refused_in_one_line(place: tuple[Any, ...], value: Any) -> None:
    manifest: Any = copy.deepcopy(MANIFEST)
    if place:
        inside = manifest
        for step in place[:-1]:
            inside = inside[step]
        inside[place[-1]] = value
    content = json.dumps(manifest if place else value).encode()
    said = ""
    try:
        json.dumps(TypeAdapter(Recording).dump_python(parse(content), mode="json"), allow_nan=False).encode()
    except AircheckError as error:
        said = str(error)
    assert "\n" not in said and len(said) < 500
