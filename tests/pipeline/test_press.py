"""Writers of renditions, in this process and in one of their own."""

import os
import signal
import subprocess

import numpy as np
import pytest

from bench.sounds import tone
from pipeline.decode import in_blocks
from pipeline.errors import ToolFailed
from pipeline.ffmpeg import find
from pipeline.formats import Output, named
from pipeline.press import writer
from pipeline.shelf import names


def written(path, name, sound, *, apart):
    recipe = named(name).recipe(len(sound), "fast")
    output = Output(path=path / f"one{named(name).SUFFIX}", recipe=recipe)
    with writer(output, len(sound), find(), apart=apart) as write:
        for part in np.array_split(sound, 3, axis=1):
            write(np.ascontiguousarray(part.T).tobytes())
    return output.path


@pytest.mark.parametrize("name", names("pipeline.formats"))
@pytest.mark.parametrize("channels", [1, 2])
def test_it_is_the_same_file_wherever_it_is_written(tmp_path, name, channels):
    sound = np.stack([tone(2.5, -20 - 6 * n) for n in range(channels)]).astype(np.float32)
    here = written(tmp_path, name, sound, apart=False).read_bytes()
    assert written(tmp_path, name, sound, apart=True).read_bytes() == here
    heard = np.concatenate(list(in_blocks(tmp_path / f"one{named(name).SUFFIX}", channels)), 1)
    loud = [np.sqrt(np.mean(np.square(channel))) for channel in heard]
    assert loud == pytest.approx([np.sqrt(np.mean(np.square(channel))) for channel in sound], rel=0.1)
    assert heard.shape[1] == pytest.approx(sound.shape[1], abs=2400)


def written_until_killed(output):
    with writer(output, 1, "", apart=True) as write:
        asked = ["pgrep", "-P", str(os.getpid()), "-f", "pipeline.press"]
        os.kill(int(subprocess.run(asked, capture_output=True, check=True).stdout), signal.SIGKILL)
        while True:
            write(bytes(192_000))


def test_a_writer_that_is_killed_is_told(tmp_path):
    output = Output(path=tmp_path / "one.opus", recipe=named("opus").recipe(1, "fast"))
    with pytest.raises(ToolFailed, match=r"the writer of one.opus ended with status -9"):
        written_until_killed(output)


def test_where_its_file_cannot_lie_is_told(tmp_path):
    sound = np.zeros((1, 48_000), np.float32)
    with pytest.raises(ToolFailed, match="No such file or directory"):
        written(tmp_path / "no", "m4a", sound, apart=True)
