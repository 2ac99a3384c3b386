"""Whisper models that say what we tell them, built offline in a second: the real faster-whisper runs, only the weights are ours.

The decoder's layers add nothing, its position codes are zero, and each token's code selects exactly one successor; so in every
30 s window the model says the same known text with its timestamps, whatever it hears and however it is prompted. The encoder
knows nothing but where it is, and the last cross-attention looks from each token to the place where the script has the next
one; so word times are known as well.
"""

import base64
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

# (start_s, text with its leading space, end_s), in seconds of a 30 s window
Script: TypeAlias = Sequence[tuple[float, str, float]]

_CODES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy sk te fa lv
bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa
lb my bo tl mg as tt haw ln ha ba jw su
"""
LANGUAGES = _CODES.split()
WIDTH = 64
LAYERS = 2
FRAMES = 1500
FRAME_S = 0.02
# How sharply attention looks at one place: sharp enough to order words, blunt enough for the median filter over 7 frames.
FOCUS = 60.0
MELS = 80
# Where a beam that has left the script ends up; it never finishes, so it never wins.
ASTRAY = range(30000, 30200)


def build(folder: Path, script: Script, *, loop: bool = False, language: str = "en") -> Path:
    """A model folder whose model says `script` in every window; with `loop` its last sentence again and again."""
    tokenizer = _tokenizer()
    spec = _silent_spec(tokenizer.get_vocab_size())
    lesson = _lesson(tokenizer, script, loop, language)
    _teach(spec.decoder, lesson)
    _align(spec.decoder.layer[-1].attention, lesson)
    _configure(spec, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    sound = {"feature_size": MELS, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(sound))
    return folder


# ---- the vocabulary: byte-level BPE from the ranks that openai-whisper ships


def _tokenizer() -> Any:
    ranks = _ranks()
    shown = _byte_names()

    def named(token: bytes) -> str:
        return "".join(shown[byte] for byte in token)

    pairs = [_halves(token, rank, ranks) for token, rank in sorted(ranks.items(), key=lambda kv: kv[1]) if len(token) > 1]
    merges = [(named(pair[0]), named(pair[1])) for pair in pairs if len(pair) == 2]
    tokenizer = Tokenizer(models.BPE({named(token): rank for token, rank in ranks.items()}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in _special_names()])
    times = [f"<|{n * 0.02:.2f}|>" for n in range(1501)]
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in times])
    return tokenizer


def _ranks() -> dict[bytes, int]:
    found = importlib.util.find_spec("whisper")  # its code is never imported: only the vocabulary beside it is read
    assert found and found.origin
    lines = (Path(found.origin).parent / "assets" / "multilingual.tiktoken").read_text().split("\n")
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}


def _byte_names() -> dict[int, str]:
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def _halves(token: bytes, rank: int, ranks: dict[bytes, int]) -> list[bytes]:
    """The two tokens that were merged into this one."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 1:
        best, at = min((ranks.get(parts[n] + parts[n + 1], 1 << 30), n) for n in range(len(parts) - 1))
        if best >= rank:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _special_names() -> list[str]:
    languages = [f"<|{language}|>" for language in LANGUAGES]
    tasks = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    return ["<|endoftext|>", "<|startoftranscript|>", *languages, *tasks]


# ---- the network: every part there, the decoder's layers adding nothing


@dataclass
class _Filler:
    random: np.random.Generator

    def some(self, *shape: int) -> Any:
        return self.random.normal(0, 0.08, shape).astype("float32")

    def linear(self, layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = self.some(rows, columns), _zeros(rows)

    def attention(self, layer: Any, *, cross: bool = False) -> None:
        _norm(layer.layer_norm)
        for part, rows in zip(layer.linear, (WIDTH, 2 * WIDTH, WIDTH) if cross else (3 * WIDTH, WIDTH), strict=True):
            self.linear(part, rows, WIDTH)

    def forward(self, layer: Any) -> None:
        _norm(layer.layer_norm)
        self.linear(layer.linear_0, 4 * WIDTH, WIDTH)
        self.linear(layer.linear_1, WIDTH, 4 * WIDTH)


def _zeros(*shape: int) -> Any:
    return np.zeros(shape, "float32")


def _norm(layer: Any) -> None:
    layer.gamma, layer.beta = np.ones(WIDTH, "float32"), _zeros(WIDTH)


def _silent_spec(vocabulary_size: int) -> Any:
    spec = whisper_spec.WhisperSpec(LAYERS, 1, LAYERS, 1)
    fill = _Filler(np.random.default_rng(7))
    _fill_encoder(spec.encoder, fill)
    _norm(spec.decoder.layer_norm)
    spec.decoder.position_encodings.encodings = _zeros(448, WIDTH)
    spec.decoder.embeddings.weight = _zeros(vocabulary_size, WIDTH)
    spec.decoder.projection.weight = _zeros(vocabulary_size, WIDTH)
    for layer in spec.decoder.layer:
        fill.attention(layer.self_attention)
        fill.attention(layer.attention, cross=True)
        fill.forward(layer.ffn)
        _mute(layer.self_attention.linear[-1], layer.attention.linear[-1], layer.ffn.linear_1)
    return spec


def _fill_encoder(encoder: Any, fill: _Filler) -> None:
    encoder.conv1.weight, encoder.conv1.bias = fill.some(WIDTH, MELS, 3), _zeros(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = _zeros(WIDTH, WIDTH, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = _places()
    _norm(encoder.layer_norm)
    for layer in encoder.layer:
        fill.attention(layer.self_attention)
        fill.forward(layer.ffn)
        _mute(layer.self_attention.linear[-1], layer.ffn.linear_1)


def _mute(*layers: Any) -> None:
    for layer in layers:
        layer.weight[:] = 0


def _places() -> Any:
    waves = np.arange(FRAMES)[:, None] * np.geomspace(0.3, 0.001, WIDTH // 2)[None]
    return np.concatenate([np.sin(waves), np.cos(waves)], 1).astype("float32")


# ---- the script


@dataclass(frozen=True)
class _Link:
    """One token, the one that must follow it, where in the window the next word is heard, and the code it is known by."""

    token: int
    successor: int
    next_at_s: float
    code: Any


def _lesson(tokenizer: Any, script: Script, loop: bool, language: str) -> list[_Link]:
    token = tokenizer.token_to_id
    said = [_sentence(tokenizer, *sentence) for sentence in script]
    chain = [token("<|transcribe|>"), *([t for tokens, _ in said for t in tokens] or [token("<|0.00|>")]), token("<|endoftext|>")]
    follows = dict(pairwise(chain))
    assert len(follows) == len(chain) - 1, "each token once"
    if loop:
        follows[said[-1][0][-2]] = said[-1][0][1]
    follows[token("<|startoftranscript|>")] = token(f"<|{language}|>")
    follows[token("<|notimestamps|>")] = chain[2]
    next_at_s = _next_at_s(token("<|notimestamps|>"), [heard for _, places in said for heard in places])
    _, *codes = _codes()
    assert len(follows) <= len(codes), "few tokens in all"
    return [_Link(a, b, next_at_s.get(a, 0.0), code) for (a, b), code in zip(follows.items(), codes, strict=False)]


def _sentence(tokenizer: Any, start_s: float, text: str, end_s: float) -> tuple[list[int], list[tuple[int, float]]]:
    """Its tokens between its timestamps, and where the middle of each is heard: all are equally long."""
    tokens = tokenizer.encode(text, add_special_tokens=False).ids
    step_s = (end_s - start_s) / len(tokens)
    start, end = (tokenizer.token_to_id(f"<|{at_s:.2f}|>") for at_s in (start_s, end_s))
    return [start, *tokens, end], [(t, start_s + (n + 0.5) * step_s) for n, t in enumerate(tokens)]


def _next_at_s(before: int, places: list[tuple[int, float]]) -> dict[int, float]:
    tokens, at_s = [before, *(t for t, _ in places)], [a for _, a in places]
    after = at_s[-1] + (at_s[-1] - at_s[-2]) if len(at_s) > 1 else 0.0
    return dict(zip(tokens, [*at_s, after], strict=True))


def _codes() -> Any:
    """One code that all tokens share and one for each link: orthogonal, of mean 0 and variance 1, so that no beam confuses them."""
    random = np.random.default_rng(11).normal(size=(WIDTH, WIDTH - 1))
    return np.linalg.qr(np.c_[np.ones(WIDTH), random])[0].T[1:] * WIDTH**0.5


def _teach(decoder: Any, lesson: list[_Link]) -> None:
    size = decoder.embeddings.weight.shape[0]
    shared = _codes()[0]
    heard, says = np.tile(shared, (size, 1)).astype("float32"), _zeros(size, WIDTH)
    for link in lesson:
        heard[link.token] = 0.6 * shared + 0.8 * link.code
        says[link.successor] += 40 / 0.8 * link.code / WIDTH
    taken = {link.token for link in lesson}
    astray = [token for token in ASTRAY if token not in taken][:32]
    says[astray] = 15 / 0.6 * shared / WIDTH
    decoder.embeddings.weight, decoder.projection.weight = heard, says


def _align(attention: Any, lesson: list[_Link]) -> None:
    query, key_value, _ = attention.linear
    places = _places()
    centred = places - places.mean(1, keepdims=True)
    look = sum(np.outer(centred[min(round(link.next_at_s / FRAME_S), FRAMES - 1)], link.code) for link in lesson)
    query.weight[:] = look * FOCUS / (0.8 * WIDTH * WIDTH**0.5)
    key_value.weight[:WIDTH] = np.eye(WIDTH)


def _configure(spec: Any, tokenizer: Any) -> None:
    token = tokenizer.token_to_id
    spec.register_vocabulary([tokenizer.id_to_token(n) for n in range(tokenizer.get_vocab_size())])
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], [token("Ġ"), token("<|endoftext|>")]
    spec.config.lang_ids = [token(f"<|{language}|>") for language in LANGUAGES]
    spec.config.alignment_heads = [(LAYERS - 1, 0)]
