"""`sos mock` writes a sky and says what it wrote."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.pipeline.mock import read_summary


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, ["mock", *map(str, arguments)])


def test_a_sky_is_written_and_listed(run, tmp_path):
    result = run("--out", tmp_path / "sky", "--stars", 2_000, "--seed", 3, "--json")
    assert result.exit_code == 0, result.output
    files = json.loads(result.stdout)
    summary = read_summary(tmp_path / "sky")
    assert (summary.stars, summary.seed, summary.bias) == (2_000, 3, True)
    assert [file["name"] for file in files] == [file.name for file in summary.files]
    assert all((tmp_path / "sky" / file["name"]).stat().st_size == file["bytes"] for file in files)


def test_the_null_sky_is_a_switch(run, tmp_path):
    result = run("--out", tmp_path, "--stars", 1_000, "--no-bias")
    assert result.exit_code == 0, result.output
    assert not read_summary(tmp_path).bias
    assert "lamost_lrs" in result.stdout


def test_an_impossible_sky_is_bad_input(run, tmp_path):
    result = run("--out", tmp_path, "--stars", 0)
    assert result.exit_code == 2
    assert "stars" in result.output
