"""A house on fire: a real server, a real worker and a real service that are killed at any moment, and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from app.storage.embedded import EmbeddedServer
from app.storage.embedded_process import postmaster

PATIENCE_S = 60.0


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """A server, workers and a service in processes of their own."""

    state: Path
    workers: int = 1
    concurrency: int = 2
    serves: bool = True
    server: EmbeddedServer = field(init=False)
    url: str = field(init=False)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = EmbeddedServer(self.state)
        self.url = self.server.start()

    def start(self, name: str) -> None:
        """Start a worker (`worker 1` ...) or the service (`api`) unless it runs."""
        running = self.processes.get(name)
        if running is not None and running.poll() is None:
            return
        command = ["-m", "workers.main"]
        if name == "api":
            command = [
                "-m",
                "uvicorn",
                "app.main:app",
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--log-level",
                "error",
            ]
        environment = {
            **os.environ,
            "SOS_DATABASE_URL": self.url,
            "SOS_STATE": str(self.state),
            "SOS_JOBS": str(self.concurrency),
            "OMP_NUM_THREADS": "1",
        }
        with (self.state / f"{name.replace(' ', '_')}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([sys.executable, *command], env=environment, stdout=log, stderr=log)

    def start_all(self) -> None:
        """Start everything that does not run."""
        self.url = self.server.start()
        for number in range(self.workers):
            self.start(f"worker {number + 1}")
        if self.serves:
            self.start("api")

    def kill(self, name: str) -> None:
        """End a process as nothing can be foreseen: no signal that it could handle."""
        if name == "postgres":
            pid = postmaster(self.server.folder / "data")
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            return
        process = self.processes[name]
        process.kill()
        process.wait()

    def ask(self, path: str, **query: object) -> httpx.Response:
        """Return the answer of the service."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", params=query or None, timeout=20.0)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return the rows of a statement; while the server is being started again, wait for it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with psycopg.connect(self.url, autocommit=True) as connection:
                    return connection.execute(statement).fetchall()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def wait_until(self, done: Callable[[], bool], *, patience_s: float) -> None:
        """Wait until something holds, keeping everything alive meanwhile."""
        deadline = time.monotonic() + patience_s
        while not done():
            if time.monotonic() > deadline:
                logs = "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in self.state.glob("*.log"))
                pytest.fail(f"this did not happen within {patience_s} s; jobs: {self.rows('TABLE job')}\n{logs}")
            self.start_all()
            time.sleep(0.2)

    def close(self) -> None:
        """End everything."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.server.stop()


@contextmanager
def house(state: Path, **options: object) -> Iterator[House]:
    """Keep a house for the length of the block."""
    built = House(state, **options)  # type: ignore[arg-type]
    try:
        yield built
    finally:
        built.close()


class Reader(threading.Thread):
    """Reads the catalogue all the time, and notes every answer that is not wholly of one version.

    Attributes:
        answers: how many answers there were.
        failures: answers other than 200 and connections that broke.
        faults: answers that contradict themselves or `known`.
    """

    def __init__(self, house: House, known: dict[tuple[int, int], object], stars: list[int]) -> None:
        super().__init__(daemon=True)
        self.house, self.known, self.stars = house, known, stars
        self.answers, self.failures, self.faults = 0, [], []  # type: ignore[var-annotated]
        self.ending = threading.Event()

    def run(self) -> None:
        """Read until told to end."""
        base = f"http://127.0.0.1:{self.house.port}"
        with httpx.Client(base_url=base, timeout=20.0) as client:
            turn = 0
            while not self.ending.is_set():
                turn += 1
                star = self.stars[turn % len(self.stars)]
                try:
                    self._look(client, star, cone=turn % 3 == 0)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    time.sleep(0.05)

    def _look(self, client: httpx.Client, star: int, *, cone: bool) -> None:
        if cone:
            answer = client.get("/v1/cone", params={"ra": 180, "dec": 0, "radius": 180, "limit": 20})
        else:
            answer = client.get(f"/v1/stars/sos:{star}")
        if answer.status_code != 200:
            self.failures.append(f"{answer.status_code} {answer.text[:200]}")
            time.sleep(0.02)
            return
        self.answers += 1
        said = int(answer.headers["X-SoS-Version"])
        body = answer.json()
        rows = body["stars"] if cone else [body]
        versions = {row.get("version", body.get("version")) for row in rows} | {body["version"], said}
        if versions != {said}:
            self.faults.append((said, versions))
        for row in rows:
            number = int(str(row["star_id"]).removeprefix("sos:"))
            value = row["teff"] if cone else row["teff"]["value"]
            expected = self.known.get((said, number), value)
            if value != expected:
                self.faults.append((said, number, value, expected))
