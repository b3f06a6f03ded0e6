"""What commands share: settings, the check of the schema, output and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.cli import context
from app.cli.main import app
from app.domain.errors import (
    DatabaseError,
    DescriptorError,
    NotPublishedError,
    ParameterError,
    SosError,
    UnknownStarError,
)
from app.storage.engine import Database
from tests.support.cli import sos


@dataclass
class Star:
    name: str
    teff: float | None


@pytest.fixture(autouse=True)
def fresh():
    context.forget()
    yield
    context.forget()


def commands(group, path=()):
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


def test_every_command_explains_itself():
    from typer.main import get_command

    for path in commands(get_command(app)):
        found = CliRunner().invoke(app, [*path, "--help"], prog_name="sos")
        assert found.exit_code == 0, path
        assert "Usage: sos" in found.stdout, path


def test_help_loads_nothing_heavy():
    heavy = ("numpy", "pandas", "sqlalchemy", "astropy", "xgboost", "fastapi", "psycopg", "pydantic_settings")
    code = f"import sys, app.cli.main; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SosError("x"), 1),
        (DescriptorError("f.toml", "key", "x"), 2),
        (ParameterError("radius", "x"), 2),
        (UnknownStarError("x"), 3),
        (DatabaseError("x"), 5),
        (NotPublishedError("x"), 5),
    ],
)
def test_errors_have_exit_codes(error: SosError, code: int):
    assert context.exit_code(error) == code


def test_an_unknown_command_is_bad_input():
    assert sos("no-such-command").exit_code == 2


def test_a_setting_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOS_PORT", "eighty")
    found = sos("migrate")
    assert found.exit_code == 2
    assert found.stderr.startswith("error: SOS_PORT: ")
    assert "eighty" in found.stderr


def test_an_option_that_cannot_be_read_is_named():
    context.use(database_url=None, port=99999)
    with pytest.raises(ParameterError, match="--port: Input should be less than or equal to 65535, got 99999"):
        context.settings()


def test_a_child_process_gets_what_this_run_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOS_JOBS", "3")
    context.use(state=tmp_path / "state", port=8123)
    for name, value in context.child_environment("postgresql://host/name").items():
        monkeypatch.setenv(name, value)
    context.forget()
    found = context.settings()
    assert (found.state_folder, found.port, found.jobs) == (tmp_path / "state", 8123, 3)
    assert found.database_url == "postgresql://host/name"


def test_a_database_without_our_schema_is_refused(empty_database: Database):
    context.use(database_url=empty_database.url)
    refused = pytest.raises(DatabaseError, match=r"is empty and this code needs schema \d+: run `sos migrate`")
    with refused, context.open_database():
        pass


def test_a_database_with_our_schema_is_opened(database: Database):
    context.use(database_url=database.url)
    with context.open_database() as opened, opened.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM star").scalar() == 0


def test_rows_are_printed_as_an_aligned_table(capsys: pytest.CaptureFixture[str]):
    context.emit([Star("Arcturus", 4286.0), Star("HD 140283", None)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "name       teff",
        "Arcturus   4286",
        "HD 140283",
    ]


def test_one_object_is_printed_as_its_fields(capsys: pytest.CaptureFixture[str]):
    context.emit({"name": "Arcturus", "teff": 4286.0})
    assert capsys.readouterr().out == "name  Arcturus\nteff  4286\n"


def test_wide_rows_are_not_cut_where_output_is_no_terminal(capsys: pytest.CaptureFixture[str]):
    context.emit([{"path": "x" * 500, "other": "y" * 500}])
    assert capsys.readouterr().out.splitlines()[1].split() == ["x" * 500, "y" * 500]


def test_json_keeps_types(capsys: pytest.CaptureFixture[str]):
    context.emit([Star("Arcturus", np.float64(4286.0)), {"path": Path("a/b"), "n": np.int64(2**62)}], json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"name": "Arcturus", "teff": 4286.0},
        {"path": "a/b", "n": 2**62},
    ]


def test_no_rows_are_an_empty_array(capsys: pytest.CaptureFixture[str]):
    context.emit([], json=True)
    assert capsys.readouterr().out == "[]\n"


def test_progress_takes_known_and_unknown_totals():
    with context.progress("Counting") as advance:
        advance(1, None)
        advance(5, 10)
        advance(10, 10)
