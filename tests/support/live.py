"""The service as a process of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.storage.engine import Database
from tests.support.cli import start_sos


@contextmanager
def running(database: Database, *options: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `sos serve` and wait until it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start_sos("serve", "--port", str(port), *options, SOS_DATABASE_URL=database.url, **environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            assert process.poll() is None, process.communicate()
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
