"""What every command shares: settings, the database, progress bars, printed answers and exit codes."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from app.domain.errors import (
    AccessError,
    ConflictError,
    DatabaseError,
    InputError,
    NotFoundError,
    ParameterError,
    SosError,
    UnavailableError,
)

if TYPE_CHECKING:
    from app.settings import Settings
    from app.storage.embedded import EmbeddedServer
    from app.storage.engine import Database

EXIT_CODES: Mapping[type[SosError], int] = {
    InputError: 2,
    NotFoundError: 3,
    ConflictError: 4,
    UnavailableError: 5,
    AccessError: 6,
    SosError: 1,
}
_PIPE_WIDTH = 4000

_given: dict[str, Any] = {}


def exit_code(error: SosError) -> int:
    """Return an error's exit code: 2 bad input, 3 not found, 4 conflict, 5 unavailable, 6 not allowed, 1 any other."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def use(**given: Any) -> None:
    """Let command line options take precedence over the environment; None leaves a setting as it is."""
    _given.update({name: value for name, value in given.items() if value is not None})


def forget() -> None:
    """Drop what `use` was given: each run of the command line starts from the environment."""
    _given.clear()


def settings() -> Settings:
    """Return the settings of this run: command line first, then `SOS_*` in the environment.

    Raises:
        ParameterError: a variable has a value that its setting does not take.
    """
    from pydantic import ValidationError

    from app.settings import Settings

    try:
        return Settings(**_given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        source = "--" + name.replace("_", "-") if name in _given else f"SOS_{name.upper()}"
        raise ParameterError(source, f"{first['msg']}, got {first['input']!r}") from error


def child_environment(database_url: str) -> dict[str, str]:
    """Return the environment for a process of ours that shares this run's settings and its database."""
    given = {f"SOS_{name.upper()}": str(value) for name, value in _given.items()}
    return {**os.environ, **given, "SOS_STATE": str(settings().state_folder), "SOS_DATABASE_URL": database_url}


def embedded_server() -> EmbeddedServer:
    """Return the embedded server of the state folder, started or not.

    Raises:
        ConflictError: another server is in use, so that there is none to start or stop here.
    """
    from app.storage.embedded import EmbeddedServer

    chosen = settings()
    if chosen.database_url is not None:
        raise ConflictError("SOS_DATABASE_URL names another server; unset it to use the embedded one")
    return EmbeddedServer(chosen.state_folder, binaries=chosen.pg_bin)


@contextmanager
def open_database(*, migrated: bool = True) -> Iterator[Database]:
    """Open the database of this run; the embedded server is started where it is needed.

    A server that this command started stops with the last command that uses it, unless `sos db start` asked it to stay.

    Args:
        migrated: insist on the schema that this code was written for.

    Raises:
        DatabaseError: the server cannot be reached or started, or its schema is another one.
    """
    from app.storage.engine import Database

    with _server_url() as url:
        database = Database(url)
        try:
            if migrated:
                check_schema(database)
            yield database
        finally:
            database.dispose()


@contextmanager
def _server_url() -> Iterator[str]:
    url = settings().database_url
    if url is not None:
        yield url
        return
    with embedded_server().lease() as embedded_url:
        yield embedded_url


def check_schema(database: Database) -> None:
    """Insist that the database is at the revision of this code.

    Raises:
        DatabaseError: it is older, newer or empty; the message says what to run.
    """
    from app.storage import migrate

    with database.connect() as connection:
        found = migrate.current_revision(connection)
    expected = migrate.expected_revision()
    if found != expected:
        state = "is empty" if found is None else f"has schema {found}"
        raise DatabaseError(f"the database {state} and this code needs schema {expected}: run `sos migrate`")


@cache
def messages() -> Console:
    """Return the console for what a person reads beside the answer."""
    return Console(stderr=True)


def user() -> str:
    """Return who runs the command, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def say(message: str) -> None:
    """Print a line for the person at the terminal, on stderr, so that stdout stays the answer."""
    messages().print(message, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar on stderr while the block runs; where that is no terminal, one line when it ends.

    Yields:
        A callback that takes how much is done and how much there is, None where that is not known.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages()) as bars:
        task = bars.add_task(description, total=None)

        def advance(done: int, total: int | None = None) -> None:
            bars.update(task, completed=done, total=total)

        yield advance
        bars.update(task, total=bars.tasks[0].completed)


def emit(answer: object, *, json: bool = False) -> None:
    """Print rows as a table, one object as its fields, or either as JSON.

    Args:
        answer: a mapping, dataclass or pydantic model, or an iterable of them.
        json: print JSON instead; rows become an array.
    """
    if json:
        _print_json(answer)
    elif _is_record(answer):
        _print_fields(_fields(answer))
    elif isinstance(answer, Iterable) and not isinstance(answer, str):
        _print_rows([_fields(row) for row in answer])
    else:
        sys.stdout.write(f"{answer}\n")


def _is_record(answer: object) -> bool:
    return isinstance(answer, Mapping) or is_dataclass(answer) or hasattr(answer, "model_dump")


def _fields(record: Any) -> dict[str, Any]:
    if isinstance(record, Mapping):
        return {str(key): value for key, value in record.items()}
    if hasattr(record, "model_dump"):
        return dict(record.model_dump())
    return asdict(record)


def _print_json(answer: Any) -> None:
    import orjson

    plain = _fields(answer) if _is_record(answer) else answer
    if isinstance(plain, Iterable) and not isinstance(plain, str | Mapping):
        plain = [_fields(row) if _is_record(row) else row for row in plain]
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(plain, default=_as_json, option=options).decode())


def _as_json(value: Any) -> Any:
    if isinstance(value, Path | bytes):
        return str(value) if isinstance(value, Path) else value.hex()
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _print_fields(fields: Mapping[str, Any]) -> None:
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        sys.stdout.write(f"{name:<{width}}  {_cell(value)}".rstrip() + "\n")


def _print_rows(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    if not rows:
        say("nothing found")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if _is_number(value) else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in rows[0]))
    _answers().print(table, markup=False, highlight=False)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _answers() -> Console:
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH)
