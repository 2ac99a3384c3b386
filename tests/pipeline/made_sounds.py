"""Where `bench/audio.py` still looks for its sounds."""

from bench.sounds import *  # noqa: F403
