"""What `pip install .` puts on a machine is all that Aircheck needs."""

import subprocess
import sys
import zipfile

import pytest
from repository import PACKAGES, ROOT, files

NEEDED = (".html", ".jinja", ".j2", ".css", ".js", ".svg", ".woff2", ".ogg", ".json", ".mako", ".typed", ".txt", ".py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("aircheck-*.whl"))


def pip(*words):
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", *map(str, words), *quiet], check=True, capture_output=True)


def test_the_wheel_holds_every_file_of_the_three_packages(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {path.relative_to(ROOT).as_posix() for path in files() if path.suffix in NEEDED}
    assert {path for path in ours if path.split("/")[0] in PACKAGES} - inside == set()
    assert "workers/demo/sample/room.json" in inside


def test_installed_alone_it_finds_its_own_files(wheel, tmp_path):
    pip("install", "--no-deps", "--target", tmp_path / "site", wheel)
    look = "import workers, feeds, pipeline, pathlib; print(*(pathlib.Path(p.__file__).parent for p in (workers, feeds, pipeline)))"
    isolated = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {look}"]
    found = subprocess.run(isolated, check=True, capture_output=True, text=True, cwd=tmp_path).stdout.split()
    assert found == [str(tmp_path / "site" / name) for name in ("workers", "feeds", "pipeline")]
    assert len(list((tmp_path / "site/workers/demo/sample/tracks").glob("*.ogg"))) == 4
