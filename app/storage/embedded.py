"""PostgreSQL without a server to install: a private server in the state folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import DatabaseError


class EmbeddedServer:
    """The PostgreSQL server of a state folder."""

    def __init__(self, state: Path, *, binaries: Path | None = None, options: Mapping[str, str] | None = None) -> None:
        self.folder = state / "postgres"
        self.binaries = binaries
        self.options = dict(options or {})

    def start(self) -> str:
        """Start the server, or attach to it where it runs, and return its URL."""
        raise DatabaseError("the embedded server cannot be started yet; set SOS_DATABASE_URL")

    def stop(self) -> None:
        """Stop the server."""

    @contextmanager
    def lease(self) -> Iterator[str]:
        """Use the server for the length of the block."""
        yield self.start()
