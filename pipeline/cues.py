"""How likely a turn opens a new topic, from how it is said. The weights were learned on 40 live question-and-answer talks."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from pipeline.english import CUE, OPENER, THANKS
from pipeline.talk import Turn

Floats = npt.NDArray[np.float64]

# with speakers, without
WEIGHTS = {
    "asks": (1.50, 1.99),
    "host speaks": (1.14, 0.0),
    "cue phrase": (0.89, 0.92),
    "speaker changes": (0.80, 0.0),
    "long turn": (0.73, 0.78),
    "words change": (0.55, 0.58),
    "thanks": (0.40, 0.64),
    "opener": (-0.08, 0.04),
    "host asks after a long turn": (-0.08, 0.0),
    "length of this turn": (-0.98, -1.97),
    "length of the turn before": (-0.43, -0.62),
    "length of the turn after": (2.52, 2.63),
    "always": (-6.15, -4.40),
}
LONG_WORDS = 25
LONG_ANSWER_WORDS = 40
HEAD = 400


def opening_logits(turns: Sequence[Turn], change: Floats, host: str | None) -> Floats:
    """For each turn the log-odds that a chapter begins with it; `change` says how much the words change there, in deviations."""
    speakers = len({turn.speaker for turn in turns}) > 1
    texts = [turn.text for turn in turns]
    heads = [text.lower()[:HEAD] for text in texts]
    words = np.array([len(text.split()) for text in texts], float)
    asks = _flags("?" in text for text in texts)
    hosts = _flags(turn.speaker == host and host is not None for turn in turns)
    before = np.concatenate(([0.0], words[:-1]))
    features = {
        "asks": asks,
        "host speaks": hosts,
        "cue phrase": _flags(CUE.search(head) for head in heads),
        "speaker changes": _flags(n == 0 or turns[n - 1].speaker != turn.speaker for n, turn in enumerate(turns)),
        "long turn": _flags(words > LONG_WORDS),
        "words change": change,
        "thanks": _flags(THANKS.search(text.lower()) for text in texts),
        "opener": _flags(OPENER.match(head) for head in heads),
        "host asks after a long turn": hosts * asks * (before > LONG_ANSWER_WORDS),
        "length of this turn": np.log1p(words) / 5,
        "length of the turn before": np.log1p(before) / 5,
        "length of the turn after": np.log1p(np.concatenate((words[1:], [0.0]))) / 5,
        "always": np.ones(len(turns)),
    }
    return np.asarray(np.sum([WEIGHTS[name][0 if speakers else 1] * feature for name, feature in features.items()], axis=0))


def _flags(values: Iterable[object]) -> Floats:
    return np.array([1.0 if value else 0.0 for value in values])


def host_of(turns: Sequence[Turn], hosts: Sequence[str]) -> str | None:
    """Who leads the conversation: the room's host where there is one voice of that kind, else who asks most."""
    speaking = {turn.speaker for turn in turns if turn.speaker is not None}
    named = [host for host in hosts if host in speaking]
    if len(named) == 1:
        return named[0]
    asked = {who: sum(turn.text.count("?") for turn in turns if turn.speaker == who) for who in sorted(speaking)}
    return max(asked, key=lambda who: asked[who], default=None)
