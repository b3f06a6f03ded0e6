"""The `sos` command as a person calls it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from app.cli.main import app
from app.storage.engine import Database


def sos(*arguments: str | Path, database: Database | None = None, state: Path | None = None) -> Result:
    """Run a command in this process, on a database of the test server or on the server of a state folder."""
    env = {"SOS_DATABASE_URL": database.url if database else None, "SOS_STATE": str(state) if state else None}
    return CliRunner(env=env).invoke(app, [str(argument) for argument in arguments], prog_name="sos")


def start_sos(*arguments: str | Path, **environment: str | Path) -> subprocess.Popen[str]:
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from app.cli.main import run; run()", *map(str, arguments)],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_requests_to_end,  # noqa: PLW1509 - the child does nothing else before it becomes the command
    )


def _hear_requests_to_end() -> None:
    """Undo what a suite started in the background inherits: SIGINT ignored, and SIGHUP under nohup."""
    for request in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, signal.SIG_DFL)
