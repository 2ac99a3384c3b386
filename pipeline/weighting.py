"""The K-weighting of ITU-R BS.1770."""

from math import pi, tan

from pipeline.biquads import Biquads, Section
from pipeline.spectra import RATE_HZ


def k_weighting(rate_hz: int) -> tuple[Section, Section]:
    """The two second-order sections (b, a) of BS.1770's K-weighting at any rate."""
    k, q, v = tan(pi * 1681.974450955533 / rate_hz), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    u, n = v**0.4996667741545416, 1 + k / q + k * k
    shelf = (
        ((v + u * k / q + k * k) / n, 2 * (k * k - v) / n, (v - u * k / q + k * k) / n),
        (1.0, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n),
    )
    k, q = tan(pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    n = 1 + k / q + k * k
    return shelf, ((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / n, (1 - k / q + k * k) / n))


_SECTIONS = k_weighting(RATE_HZ)


class Weighting(Biquads):
    """K-weights one channel block by block, as a meter hears it."""

    def __init__(self) -> None:
        super().__init__(_SECTIONS)
