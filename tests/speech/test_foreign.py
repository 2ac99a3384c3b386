"""Transcripts from elsewhere: words, phrases or paragraphs, with or without speakers."""

from typing import Any

import pytest

from pipeline.chapter import chapters_of_json
from pipeline.errors import Refused
from pipeline.foreign import segments_of_json

ANSWER = (
    "I keep {0} in the cellar because {0} never liked the sun. Many a {0} was lost that way. My mother told me about {0} first."
)
TOPICS = ("cheese", "violins", "apples", "bicycles", "stamps")


def paragraphs(**left_out: bool) -> list[dict[str, Any]]:
    """Twenty minutes of questions and answers, a paragraph a turn."""
    out: list[dict[str, Any]] = []
    for n, topic in enumerate(TOPICS):
        at = n * 240.0
        out.append(
            {
                "speaker": "Ana",
                "startTime": at,
                "endTime": at + 10,
                "body": f"The next question is about {topic}. How do you keep your {topic}?",
            }
        )
        out += [
            {"speaker": "Bento", "startTime": at + 11 + k * 25, "endTime": at + 35 + k * 25, "body": ANSWER.format(topic)}
            for k in range(9)
        ]
    return out if not left_out else [{k: v for k, v in s.items() if k not in left_out} for s in out]


def single_words(segments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for s in segments:
        words = s["body"].split()
        step = (s["endTime"] - s["startTime"]) / len(words)
        for n, word in enumerate(words):
            at = s["startTime"] + n * step
            out.append({"speaker": s["speaker"], "startTime": at, "endTime": at + step, "body": word})
    return out


@pytest.mark.parametrize("segments", [paragraphs(), single_words(paragraphs()), paragraphs(speaker=True), paragraphs(endTime=True)])
def test_each_question_opens_a_chapter_however_the_words_are_cut_up(segments: list[dict[str, Any]]) -> None:
    chapters = chapters_of_json({"version": "1.0.0", "segments": segments})
    assert [round(c.start_s / 240) for c in chapters] == [0, 1, 2, 3, 4]
    assert all(abs(c.start_s - 240 * n) < 1 for n, c in enumerate(chapters))
    assert all(topic in c.title.lower() for topic, c in zip(TOPICS, chapters, strict=True))


def test_a_speaker_named_only_when_it_changes_goes_on() -> None:
    listed = [{"speaker": "Ana", "startTime": 0, "endTime": 1, "body": "One."}, {"startTime": 1, "endTime": 2, "body": "Two."}]
    assert [s.speaker for s in segments_of_json({"segments": listed})] == ["Ana", "Ana"]


def test_words_are_joined_to_sentences_and_split_by_breath_and_speaker() -> None:
    said = [("A", 0.0, "Hello"), ("A", 0.5, "there."), ("A", 1.0, "And"), ("A", 4.0, "then"), ("B", 4.5, "what?")]
    listed = [{"speaker": who, "startTime": at, "endTime": at + 0.4, "body": body} for who, at, body in said]
    assert [s.text for s in segments_of_json({"segments": listed})] == ["Hello there.", "And", "then", "what?"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "no transcript"),
        ("text", "no transcript"),
        ({"cues": []}, "no transcript"),
        ({"segments": {}}, "no transcript"),
        ({"segments": []}, "no words"),
        ({"segments": [{"startTime": 0, "endTime": 1, "body": "  "}]}, "no words"),
        ({"segments": ["word"]}, "segment 1 is str"),
        ({"segments": [{"body": "no time"}]}, "segment 1 has no startTime"),
        ({"segments": [{"startTime": 0, "endTime": "soon", "body": "x"}]}, "segment 1 has no endTime"),
        ({"segments": [{"startTime": 0, "endTime": float("inf"), "body": "x"}]}, "segment 1 has no endTime"),
        ({"segments": [{"startTime": -1, "endTime": 1, "body": "x"}]}, "segment 1 has no startTime"),
        ({"segments": [{"startTime": 0, "endTime": 1}]}, "segment 1 has no body"),
    ],
)
def test_what_is_no_transcript_is_refused_in_one_line(document: object, says: str) -> None:
    with pytest.raises(Refused, match=says) as refusal:
        chapters_of_json(document)
    assert "\n" not in str(refusal.value) and "startTime" in str(refusal.value)
