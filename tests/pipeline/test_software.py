"""The record of the software: every piece of code that numbers depend on moves its checksum, and nothing else does."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from app.pipeline import software

APP = Path(software.__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code that the checksums are taken of."""
    shutil.copytree(APP, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(software, "files", lambda _: tmp_path / "app")
    return tmp_path / "app"


def checksums() -> tuple[str, str]:
    found = software._checksums.__wrapped__()
    return found["science_sha256"], found["code_sha256"]


def test_a_version_is_told_its_software():
    found = software.software_versions()
    assert set(software.LIBRARIES) < set(found)
    assert found["sos"] == version("survey-of-surveys")
    assert len(found["science_sha256"]) == len(found["code_sha256"]) == 64
    assert software.software_versions() == found


@pytest.mark.parametrize(
    "file",
    [
        "domain/quantities.py",
        "pipeline/homogenize.py",
        "pipeline/readers/fits.py",
        "storage/queries/calibration.sql",
        "surveys/rave_dr6.toml",
        "surveys/translation.py",
    ],
)
def test_code_outside_of_science_moves_the_checksum_of_code_alone(copy: Path, file: str):
    science, code = checksums()
    with (copy / file).open("a") as opened:
        opened.write("\n")
    assert checksums()[0] == science
    assert checksums()[1] != code


def test_science_moves_both(copy: Path):
    science, code = checksums()
    (copy / "science" / "robust.py").rename(copy / "science" / "sturdy.py")
    assert checksums()[0] != science
    assert checksums()[1] != code


@pytest.mark.parametrize("file", ["api/stars.py", "cli/star.py", "science/notes.txt"])
def test_what_makes_no_numbers_moves_neither(copy: Path, file: str):
    before = checksums()
    with (copy / file).open("a") as opened:
        opened.write("\n")
    assert checksums() == before
