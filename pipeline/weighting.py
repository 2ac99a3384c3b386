"""The K-weighting of ITU-R BS.1770: a filter that remembers for ever, worked out as products of small matrices.

Sound is cut into pieces of 32 samples. What a piece answers is what it makes of itself, and the ringing of all before it. That
ringing is four numbers, in coordinates in which each counts for as much sound as the others: float32 loses nothing of them.
This takes a quarter of the time of the same filter by FFT.
"""

from math import pi, tan

import numpy as np
from numpy.typing import NDArray

from pipeline.spectra import Sound

RATE_HZ = 48_000
PIECE = 32
# The filter's ringing has fallen by 124 dB after so many samples.
RINGS = 2304
# Below this what rings on from one piece to a later one is nothing, even for float64.
NOTHING = 1e-15

Matrix = NDArray[np.float64]
Section = tuple[list[float], list[float]]


def k_weighting(rate_hz: int) -> tuple[Section, Section]:
    """The two second-order sections (b, a) of BS.1770's K-weighting at any rate."""
    k, q, v = tan(pi * 1681.974450955533 / rate_hz), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    u, n = v**0.4996667741545416, 1 + k / q + k * k
    shelf = (
        [(v + u * k / q + k * k) / n, 2 * (k * k - v) / n, (v - u * k / q + k * k) / n],
        [1, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n],
    )
    k, q = tan(pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    n = 1 + k / q + k * k
    return shelf, ([1.0, -2.0, 1.0], [1, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n])


def _section(b: list[float], a: list[float]) -> tuple[Matrix, Matrix, Matrix, float]:
    """A second-order section as (A, B, C, D): state' = A state + B sample, answer = C state + D sample."""
    kept = np.array([[-a[1], 1.0], [-a[2], 0.0]])
    return kept, np.array([[b[1] - a[1] * b[0]], [b[2] - a[2] * b[0]]]), np.array([[1.0, 0.0]]), b[0]


def _both() -> tuple[Matrix, Matrix, Matrix, float]:
    """Both sections, one behind the other, in coordinates in which the ringing of a state has the state's own size."""
    (a1, b1, c1, d1), (a2, b2, c2, d2) = (_section(*section) for section in k_weighting(RATE_HZ))
    a = np.block([[a1, np.zeros((2, 2))], [b2 @ c1, a2]])
    b, c = np.vstack([b1, b2 * d1]), np.hstack([d2 * c1, c2])
    rings = np.vstack(_powers(c, a, RINGS))
    size = np.linalg.qr(rings)[1]
    back = np.linalg.inv(size)
    return size @ a @ back, size @ b, c @ back, d1 * d2


def _powers(first: Matrix, by: Matrix, count: int) -> list[Matrix]:
    """first, first · by, first · by² …"""
    out = [first]
    while len(out) < count:
        out.append(out[-1] @ by)
    return out


def _pieces() -> tuple[Sound, Sound, Sound, Matrix]:
    """What a piece answers by itself, how a state rings through it, what state it leaves, and what it leaves of an old state."""
    a, b, c, d = _both()
    rings = np.vstack(_powers(c, a, PIECE))
    answer = [d, *(rings[: PIECE - 1] @ b)[:, 0]]
    itself = np.array([[answer[n - m] if n >= m else 0.0 for m in range(PIECE)] for n in range(PIECE)])
    leaves = np.hstack([np.linalg.matrix_power(a, PIECE - 1 - n) @ b for n in range(PIECE)])
    return _single(itself), _single(rings), _single(leaves), np.linalg.matrix_power(a, PIECE).T


def _single(matrix: Matrix) -> Sound:
    return np.ascontiguousarray(matrix.T, np.float32)


_ITSELF, _RINGS, _LEAVES, _KEEPS = _pieces()


class Weighting:
    """K-weights one channel block by block; all blocks but the last are whole pieces long."""

    def __init__(self) -> None:
        self.state = np.zeros(len(_KEEPS))

    def __call__(self, block: Sound) -> Sound:
        """The block as a meter hears it."""
        pieces = np.pad(block, (0, -len(block) % PIECE)).reshape(-1, PIECE) if len(block) % PIECE else block.reshape(-1, PIECE)
        states = self._states(pieces)
        heard = pieces @ _ITSELF
        heard += states.astype(np.float32) @ _RINGS
        return heard.reshape(-1)[: len(block)]

    def _states(self, pieces: Sound) -> Matrix:
        """The state at the start of every piece: what each leaves, carried on to those behind it in steps of 1, 2, 4 …"""
        states = np.concatenate([self.state[None], pieces @ _LEAVES])
        keeps, step = _KEEPS, 1
        while step < len(states) and np.abs(keeps).max() > NOTHING:
            states[step:] += states[:-step] @ keeps
            keeps, step = keeps @ keeps, 2 * step
        self.state = states[-1].copy()
        return states[:-1]
