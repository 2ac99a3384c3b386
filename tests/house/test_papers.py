"""What README, Makefile, .ci/run and the list of packages say of each other is true."""

import re
import subprocess

import pytest
from repository import ROOT, texts

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_make_command_that_a_document_names_is_in_the_makefile():
    documents = [text for path, text in texts().items() if path.endswith((".md", ".ci/run", ".py"))]
    named = {name for text in documents for name in re.findall(r"`make ([a-z][a-z-]*)", text)}
    assert {"demo", "test"} <= named <= TARGETS


def test_help_lists_every_target_that_people_use():
    told = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", told, re.MULTILINE)) == TARGETS - {"system", "swift"}


def test_the_ci_script_runs_what_the_makefile_offers():
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_every_program_that_a_test_looks_for_is_in_the_list_of_packages():
    looked_for = {
        name
        for path, text in texts().items()
        if path.startswith("tests/")
        for name in re.findall(r"""which\(["']([\w-]+)["']\)""", text)
    }
    listed = set(re.findall(r"^([a-z0-9-]+) +[a-z0-9-]+$", (ROOT / "tests/system-packages").read_text(), re.MULTILINE))
    # what comes with another, and other names of the same
    beside = {"ffprobe", "redis-cli", "initdb", "pg_ctl", "chromium-browser", "google-chrome"}
    assert looked_for <= listed | beside


@pytest.mark.parametrize("script", [".ci/run", "tests/system-packages", "requirements/make-venv"])
def test_scripts_are_programs_that_the_shell_can_read(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(path)], check=True)


@pytest.mark.parametrize("name", ["run", "test", "vocabulary"])
def test_every_pin_is_exact_and_has_a_hash_and_no_address(name):
    pins = (ROOT / f"requirements/{name}.txt").read_text()
    blocks = re.split(r"\n(?=\S)", pins.strip())
    assert all(re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in pins


@pytest.mark.parametrize("name", ["run", "test"])
def test_every_python_gets_the_same_version_of_everything(name):
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE)
    assert len(pinned) == len(set(pinned))


def test_the_tests_stand_on_the_same_versions_as_the_program():
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE))

    assert versions("run").items() <= versions("test").items()


def test_every_document_that_the_readme_points_to_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists() and not link.startswith("docs/pictures/")] == []
