"""The rules of the house: what every file, function and import keeps to."""

import ast
import re
from itertools import chain
from statistics import median, quantiles

import pytest
from repository import PACKAGES, ROOT, functions, lines_of, modules, texts

CODE = (*PACKAGES, "tests", "bench")
# written in pieces, so that this file does not break the rule it tests
MACHINE = [r"/wo" r"rk/", r"/ro" r"ot/", r"/home/[a-z]+/", r"/op" r"t/py"]
REGISTRIES = [
    r"py" r"pi\.org",
    r"python" r"hosted",
    r"npm" r"js\.",
    r"deb\.de" r"bian\.org",
    r"gh" r"cr\.io",
    r"docker\.i" r"o",
    r"proxy\.go" r"lang",
]
UNFINISHED = [r"\bTO" r"DO\b", r"\bFIX" r"ME\b", r"NotImplemented" r"Error"]
# third-party libraries without types, and the one file that may import each
WRAPPED = {
    "ffmpeg": "pipeline/ffmpeg.py", "faster_whisper": "pipeline/engines/faster_whisper.py",
    "pocketsphinx": "pipeline/engines/pocketsphinx.py", "boto3": "pipeline/stores/s3/__init__.py", "feedgen": "feeds/rss.py",
    "mutagen": "pipeline/stamp/tagged.py",
}  # fmt: skip
SINGLE = {"segno", "pydub", "nh3", "defusedxml"}
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_STORY, MOST_POSITIONAL = 60, 400, 60, 5


def vendored(path: str) -> bool:
    return path.endswith((".min.js", ".woff2")) or path.startswith("requirements/")


@pytest.mark.parametrize("word", [*MACHINE, *REGISTRIES])
def test_no_file_names_a_registry_or_somebodys_machine(word):
    assert [path for path, text in texts().items() if not vendored(path) and re.search(word, text)] == []


@pytest.mark.parametrize("word", UNFINISHED)
def test_nothing_is_left_for_later(word):
    assert [path for path, text in texts().items() if not vendored(path) and re.search(word, text)] == []


def imported(tree: ast.Module) -> set[str]:
    names = [[alias.name for alias in node.names] for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names += [[node.module or ""] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in chain(*names)}


@pytest.mark.parametrize(("library", "home"), WRAPPED.items())
def test_a_library_without_types_is_wrapped_in_one_file(library, home):
    assert {path for path, tree in modules(*PACKAGES).items() if library in imported(tree)} <= {home}


@pytest.mark.parametrize("library", sorted(SINGLE))
def test_a_library_with_one_use_is_imported_once(library):
    assert len([path for path, tree in modules(*PACKAGES).items() if library in imported(tree)]) <= 1


def test_no_function_is_longer_than_a_screen():
    assert [name for name, function in functions(*CODE) if lines_of(function) > LONGEST_FUNCTION] == []


def test_functions_are_short_as_a_rule():
    lengths = [lines_of(function) for _, function in functions(*PACKAGES)]
    assert median(lengths) <= 8
    assert quantiles(lengths, n=10)[-1] < 30


def test_no_function_takes_more_than_five_positional_parameters():
    def positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
        return len(names) - (names[:1] in (["self"], ["cls"]))

    # the parameters of a command are what people type, and never passed by position
    asked = [name for name, function in functions(*PACKAGES) if positional(function) > MOST_POSITIONAL]
    assert [name for name in asked if not name.startswith("workers/cli/")] == []


def test_no_file_is_longer_than_it_can_be_read():
    lengths = {path: text.count("\n") for path, text in texts().items() if path.endswith(".py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_story_fits_on_a_page():
    assert (ROOT / "pipeline/story.py").read_text().count("\n") <= LONGEST_STORY
