"""From machine words to what is told."""

from dataclasses import replace
from itertools import pairwise

from fakes_feeds import CHAPTERS, a_draft, a_sound, a_transcript, an_episode, said
from hypothesis import given
from hypothesis import strategies as st

from feeds.script import chapters_of, clock_of, named, tell
from pipeline.edits import Mute
from pipeline.models import Chapter, Cut, Segment, Transcript
from pipeline.pieces import pieces_of

MIDDLE_CUT = (Cut(start_s=100.0, end_s=200.0, why="trim"),)


def test_identities_become_names_and_a_listener_is_never_named() -> None:
    speakers = [segment.speaker for segment in tell(an_episode(), a_transcript()).segments]
    assert speakers == ["Ana Costa", "Ben Ito", "Ben Ito", None, "Ana Costa"]


def test_a_voice_that_is_not_heard_is_not_named() -> None:
    assert [person.name for person in named(an_episode())] == ["Ana Costa", "Ben Ito", "Cem"]


def test_a_voice_that_never_spoke_is_not_named() -> None:
    voices = tuple(replace(v, speech_s=0.0) if v.participant == "u2" else v for v in a_sound().voices)
    assert [p.name for p in named(an_episode(sound=a_sound(voices=voices)))] == ["Ana Costa", "Cem"]


def test_in_a_mix_everybody_but_listeners_is_named() -> None:
    voices = tuple(replace(voice, participant=None) for voice in a_sound().voices[:1])
    assert [p.name for p in named(an_episode(sound=a_sound(voices=voices)))] == ["Ana Costa", "Ben Ito", "Cem", "Rolf Refused"]


def test_words_move_to_the_episodes_clock() -> None:
    first = tell(an_episode(), a_transcript()).segments[0]
    assert (first.start_s, first.words[0].start_s) == (2.0, 2.0)


def test_words_whose_middle_is_cut_vanish_and_the_others_close_up() -> None:
    transcript = a_transcript(
        segments=(said("u1", 98.0, "one two three four five", word_s=1.0), said("u1", 199.2, "six seven", word_s=1.0))
    )
    script = tell(an_episode(sound=a_sound(cuts=MIDDLE_CUT)), transcript)
    assert [segment.text for segment in script.segments] == ["one two", "seven"]
    assert round(script.segments[1].start_s, 6) == 100.2


def test_a_segment_without_word_times_loses_the_share_that_is_cut() -> None:
    segment = Segment(speaker="u1", start_s=95.0, end_s=105.0, text="aaaa bbbb cccc dddd eeee")
    script = tell(an_episode(sound=a_sound(cuts=MIDDLE_CUT)), a_transcript(segments=(segment,)))
    assert script.segments[0].text == "aaaa bbbb"


def test_text_between_words_is_kept_as_it_is_written() -> None:
    segment = said("u1", 12.0, "こんにちは、世界。", word_s=2.0)
    assert tell(an_episode(), a_transcript(segments=(segment,))).segments[0].text == "こんにちは、世界。"


def test_letters_written_in_two_ways_are_the_same_word() -> None:
    segment = replace(said("u1", 12.0, "Brot u\u0308ben", word_s=1.0), text="Brot  u\u0308ben\u202e")
    told = tell(an_episode(), a_transcript(segments=(segment,))).segments[0]
    assert (told.text, [w.text for w in told.words]) == ("Brot üben", ["Brot", "üben"])


def test_words_that_are_not_in_the_text_do_not_lose_it() -> None:
    edited = replace(said("u1", 12.0, "their bred rises"), text="Their bread rises.")
    assert "".join(piece.text for piece in pieces_of(edited)) == "Their bread rises."


def test_without_a_transcript_nothing_is_said() -> None:
    script = tell(an_episode(), None)
    assert (script.segments, script.quality, script.duration_s) == ((), "none", 600.0)


def test_chapters_begin_at_zero_and_end_with_the_episode() -> None:
    chapters = chapters_of(an_episode(), drafts=True)
    assert [(c.start_s, c.end_s) for c in chapters] == [(0.0, 120.0), (120.0, 290.25), (290.25, 600.0)]


def test_a_chapter_that_is_cut_away_is_gone() -> None:
    sound = a_sound(cuts=(Cut(start_s=0.0, end_s=130.0, why="trim"),))
    assert [c.title for c in chapters_of(an_episode(sound=sound), drafts=True)] == [c.title for c in CHAPTERS[1:]]


def test_a_first_chapter_that_begins_late_gets_an_opening_before_it() -> None:
    chapters = chapters_of(an_episode(chapters=CHAPTERS[1:]), drafts=True)
    assert [(c.start_s, c.title) for c in chapters[:2]] == [(0.0, "Bread, part 1"), (120.0, "Flour & water <1 kg>")]


def test_chapters_computed_from_private_draft_words_are_private() -> None:
    assert [c.source for c in chapters_of(a_draft(), drafts=False)] == ["pinned", "pinned"]
    assert len(chapters_of(a_draft(), drafts=True)) == 3


def test_an_episode_without_sound_has_nothing_to_tell() -> None:
    script = tell(an_episode(sound=None), a_transcript())
    assert (script.duration_s, script.chapters, script.segments) == (0.0, (), ())


# ---- whatever the machine says

_seconds = st.floats(-50, 700, allow_nan=False)
_cuts = st.lists(st.builds(lambda a, b: Cut(start_s=min(a, b), end_s=max(a, b), why="x"), _seconds, _seconds), max_size=6)
_segments = st.lists(
    st.builds(said, st.sampled_from(["u1", "u2", "u4", "nobody", None]), _seconds, st.text(max_size=80), st.floats(0, 3)),
    max_size=8,
)
_chapters = st.lists(
    st.builds(lambda a, t: Chapter(start_s=a, end_s=a, title=t, source="pinned"), _seconds, st.text(max_size=20)), max_size=8
)


@given(_cuts, _segments, _chapters)
def test_everything_told_lies_inside_the_episode_in_order(
    cuts: list[Cut], segments: list[Segment], chapters: list[Chapter]
) -> None:
    episode = an_episode(sound=a_sound(cuts=tuple(cuts)), chapters=tuple(chapters))
    transcript = Transcript(engine="e", model="m", quality="full", language="en", segments=tuple(segments))
    script = tell(episode, transcript)
    assert [s.start_s for s in script.segments] == sorted(s.start_s for s in script.segments)
    for segment in script.segments:
        assert 0 <= segment.start_s <= segment.end_s <= clock_of(episode).duration_s
        edges = [segment.start_s, *(edge for w in segment.words for edge in (w.start_s, w.end_s)), segment.end_s]
        assert edges[0] <= min(edges) and max(edges) <= edges[-1]
        assert [w.start_s for w in segment.words] == sorted(w.start_s for w in segment.words)
    starts = [c.start_s for c in script.chapters]
    assert starts[:1] in ([], [0.0])
    assert all(a < b for a, b in pairwise(starts))
    assert [c.end_s for c in script.chapters] == [*starts[1:], round(script.duration_s, 3)][: len(starts)]


@given(_cuts, st.lists(st.text("abcdefg", min_size=1, max_size=6), min_size=1, max_size=30), _seconds)
def test_every_word_outside_the_cuts_is_told_once(cuts: list[Cut], words: list[str], start_s: float) -> None:
    segment = said("u1", start_s, " ".join(words))
    episode = an_episode(sound=a_sound(cuts=tuple(cuts)))
    clock = clock_of(episode)
    kept = [w.text.strip() for w in segment.words if not clock.is_cut((w.start_s + w.end_s) / 2)]
    script = tell(episode, a_transcript(segments=(segment,)))
    assert " ".join(s.text for s in script.segments).split() == kept


def test_a_muted_voice_says_nothing_and_is_not_named() -> None:
    sound = a_sound(mutes=(Mute(participant="u2"),))
    assert "Ben Ito" not in [person.name for person in named(an_episode(sound=sound))]
    assert "Ben Ito" not in [segment.speaker for segment in tell(an_episode(sound=sound), a_transcript()).segments]


def test_a_voice_muted_for_a_while_is_named_and_says_the_rest() -> None:
    transcript = a_transcript(segments=(said("u2", 20.0, "one two three four", word_s=1.0),))
    sound = a_sound(mutes=(Mute(participant="u2", start_s=21.0, end_s=23.0),))
    script = tell(an_episode(sound=sound), transcript)
    assert [(segment.speaker, segment.text) for segment in script.segments] == [("Ben Ito", "one"), ("Ben Ito", "four")]


def test_words_and_chapters_begin_after_the_shows_intro() -> None:
    plain, opened = tell(an_episode(), a_transcript()), tell(an_episode(sound=a_sound(intro_s=7.5)), a_transcript())
    assert [round(s.start_s - p.start_s, 6) for p, s in zip(plain.segments, opened.segments, strict=True)] == [7.5] * 5
    assert opened.duration_s == plain.duration_s + 7.5
