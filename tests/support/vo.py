"""The service as a Virtual Observatory client sees it: on a port of its own, so that any client can ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import uvicorn

from app.main import create_app
from app.settings import Settings
from app.storage.engine import Database


@contextmanager
def listening(database: Database, state: Path) -> Iterator[str]:
    """Serve a database for the length of the block; yield the address."""
    settings = Settings(database_url=database.url, pool_size=2, stream_pool_size=3, state=state)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        end = monotonic() + 60
        while not server.started and monotonic() < end:
            sleep(0.02)
        assert server.started
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
