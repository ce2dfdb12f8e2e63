"""The wheel, built from the files that the Dockerfile copies.

It has the files of `init --example`, and the starter, as the checkout has them.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from router.cli.init import EXAMPLE
from tests.pages import ROOT

needs_hatchling = pytest.mark.skipif(
    find_spec("hatchling") is None, reason="building the wheel needs: pip install hatchling"
)


def copy_into(source: Path) -> None:
    """Run the `COPY FILES TO` instructions of the Dockerfile that read the checkout."""
    instructions = (ROOT / "deploy/Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--)(.+)$", instructions, re.MULTILINE):
        *names, target = line.split()
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / target)
            else:
                (source / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, source / target)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that installing the wheel would put into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    copy_into(folder / "source")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *build, str(folder / "source")], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(site: Path, folder: Path, *arguments: str) -> str:
    """Run a command of the unpacked wheel, away from the checkout. Returns its output."""
    command = [sys.executable, "-c", "from router.cli import main; main()", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_hatchling
@pytest.mark.timeout(300)
def test_init_of_the_wheel_writes_the_example(unpacked: Path, tmp_path: Path) -> None:
    """The same files as in the checkout; and a starter whose check passes."""
    run(unpacked, tmp_path, "init", "--example", "mine")
    for name, place in EXAMPLE.items():
        source = ROOT / place
        below = [each for each in source.rglob("*") if each.is_file()] or [source]
        for file in below:
            written = tmp_path / "mine" / name / file.relative_to(source)
            assert written.read_bytes() == file.read_bytes()
    run(unpacked, tmp_path, "init", "start")
    run(unpacked, tmp_path / "start", "check")
