"""What makes and reads sound: ffmpeg's encoders and our decoders are tried, the recogniser is asked."""

import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path

from workers.doctor.findings import Finding, bad, well, worrying
from workers.settings import Settings

ALWAYS = ("mp3", "m4a", "opus", "flac")
RATE_HZ = 48_000
# What rooms bring.
NEEDED = ("aac", "flac", "mp3float", "opus", "pcm_s16le", "vorbis")
REINSTALL = "pip install --force-reinstall imageio-ffmpeg"


def ffmpeg(settings: Settings) -> Iterator[Finding]:
    """A second of silence is encoded in every format that an episode may have, and read back."""
    from pipeline import ffmpeg as tool

    binary = tool.find()
    said = f"{tool.version(binary)} at {binary}"
    wanted = tuple(dict.fromkeys((*settings.audio.formats, *ALWAYS)))
    wrong = {name: why for name in wanted if (why := _tried(binary, name, settings))}
    if needed := {name: why for name, why in wrong.items() if name in settings.audio.formats}:
        yield bad("ffmpeg", f"{said} {_listed(needed)}", REINSTALL)
    elif wrong:
        yield worrying("ffmpeg", f"{said} {_listed(wrong)}; no episode wants it yet", REINSTALL)
    else:
        yield well("ffmpeg", f"{said} writes {', '.join(wanted)}")


def decoders(_settings: Settings) -> Iterator[Finding]:
    """What PyAV was built with."""
    import av
    from av.codec.codec import UnknownCodecError

    missing = []
    for name in NEEDED:
        try:
            av.Codec(name, "r")
        except UnknownCodecError:
            missing.append(name)
    if missing:
        yield bad("decoders", f"PyAV {av.__version__} reads no {', '.join(missing)}", "pip install --force-reinstall av")
    else:
        yield well("decoders", f"PyAV {av.__version__} reads {', '.join(NEEDED)}")


def speech(settings: Settings) -> Iterator[Finding]:
    """Whether words will be written down."""
    from pipeline import shelf
    from pipeline.plan import SpeechPlan

    said = settings.speech
    if said.engine == "none":
        yield worrying("speech", "episodes get no words: speech.engine is none", "speech.engine = auto")
        return
    engine = "faster_whisper" if said.engine == "auto" else said.engine
    plan = SpeechPlan(engine=said.engine, model=said.model, device=said.device, download=said.download)
    why, _, fix = shelf.take("pipeline.engines", engine).reason_unavailable(plan).partition("; ")
    yield worrying("speech", why, fix or "set speech.model") if why else well("speech", f"{engine} {said.model}".rstrip())


def _listed(wrong: dict[str, str]) -> str:
    return "cannot write " + ", ".join(f"{name} ({why})" for name, why in wrong.items())


def _tried(binary: str, name: str, settings: Settings) -> str:
    """Why that format cannot be made here; "" when it can."""
    from pipeline import formats
    from pipeline.errors import ToolFailed
    from pipeline.press import writer

    plug = formats.named(name)
    recipe = plug.recipe(1, settings.audio.encode)
    with tempfile.TemporaryDirectory(prefix="aircheck-doctor-") as folder:
        output = formats.Output(path=Path(folder) / f"silence{plug.SUFFIX}", recipe=recipe)
        try:
            with writer(output, 1, binary, apart=True) as write:
                write(array("f", [0.0] * RATE_HZ).tobytes())
            return "" if _seconds(output.path) > 0.9 else f"{recipe.codec} makes nothing that can be read"
        except ToolFailed as error:
            return str(error)


def _seconds(path: Path) -> float:
    """How much sound a file of our own making holds."""
    import av

    with av.open(str(path)) as container:
        return float(sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0)))
