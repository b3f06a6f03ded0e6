"""While versions are published and rolled back, every reader gets answers that are wholly of one version."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from app.storage.engine import Database
from tests.api.test_live import running
from tests.support import catalogue, servers
from tests.support.administration import bearer, make_key
from tests.support.catalogue import Truth

CLIENTS, SWITCHES = 8, 20


@pytest.fixture(scope="module")
def live(server_url: str, template: str) -> Iterator[tuple[str, Truth, Database]]:
    """The service in two processes of its own, with three versions whose values tell them apart."""
    with servers.scratch_database(server_url, template) as database:
        truth = catalogue.build(database, n_versions=3)
        with running(database, "--workers", "2", SOS_RATE_LIMIT="0") as (url, _):
            yield url, truth, database


class Client(threading.Thread):
    """Reads stars, cones and files, one after the other, and notes what is wrong with the answers."""

    def __init__(self, url: str, truth: Truth, number: int) -> None:
        super().__init__(daemon=True)
        self.url, self.truth, self.number = url, truth, number
        self.versions: set[int] = set()
        self.answers = 0
        self.faults: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            turn = self.number
            while not self.ending.is_set():
                turn += 1
                try:
                    self._look(client, turn)
                except Exception as error:  # noqa: BLE001 - none may fail
                    self.faults.append(repr(error))
                    return

    def _look(self, client: httpx.Client, turn: int) -> None:
        place = 5 + turn % 50
        if turn % 3 == 0:
            query = {"ra": self.truth.ra[place], "dec": self.truth.dec[place], "radius": 30, "limit": 50}
            answer = client.get("/v1/cone", params=query).raise_for_status()
            rows = [(int(row["star_id"]), row["teff"], row["version"]) for row in answer.json()["stars"]]
        elif turn % 3 == 1:
            answer = client.get("/v1/catalog", params={"format": "csv", "columns": "star_id,teff,version"})
            lines = answer.raise_for_status().text.split("\n")[1:-1]
            cells = [line.split(",") for line in lines]
            rows = [(int(star), float(teff), int(version)) for star, teff, version in cells if teff]
        else:
            answer = client.get(f"/v1/stars/sos:{self.truth.star_id[place]}").raise_for_status()
            body = answer.json()
            rows = [(int(self.truth.star_id[place]), body["teff"]["value"], body["version"])]

        self._judge(int(answer.headers["X-SoS-Version"]), rows)

    def _judge(self, said: int, rows: list[tuple[int, float, int]]) -> None:
        self.answers += 1
        self.versions.add(said)
        first = int(self.truth.star_id[0])
        for star, teff, version in rows:
            expected = 4000.0 + 100 * said + (star - first) // 3  # as tests/support/catalogue.py makes them
            if version != said or (teff is not None and teff != expected):
                self.faults.append(f"version {said} says {version}: star {star} {teff}, not {expected}")


def test_eight_readers_see_one_version_at_a_time_while_twenty_switches_happen(live):
    url, truth, database = live
    headers = bearer(make_key(database, "publish"))
    clients = [Client(url, truth, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    with httpx.Client(base_url=url, headers=headers, timeout=30) as admin:
        for turn in range(SWITCHES):
            wanted = 1 + turn % 3
            call = "rollback" if turn % 2 else "publish"
            answer = admin.post(f"/v1/admin/versions/{wanted}/{call}").raise_for_status().json()
            assert answer["version"] == wanted
            seen = {client.answers for client in clients}
            until = max(seen) + 3
            while max(client.answers for client in clients) < until and not any(client.faults for client in clients):
                clients[0].ending.wait(0.01)
    for client in clients:
        client.ending.set()
        client.join()
    assert [fault for client in clients for fault in client.faults] == []
    assert set().union(*(client.versions for client in clients)) == {1, 2, 3}
    assert min(client.answers for client in clients) > 0
