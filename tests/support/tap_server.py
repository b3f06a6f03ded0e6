"""A TAP service for tests: one table, answers as VOTable, and ways to misbehave."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from astropy.io.votable import from_table, writeto
from astropy.table import Table

_ERROR = """<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">{}</INFO></RESOURCE></VOTABLE>"""


class TapServer:
    """Serves `table`, keyed by `recno`; `broken_after` requests it stops answering, `most` rows are its limit."""

    def __init__(self, table: Table, *, most: int = 10_000) -> None:
        self.table, self.most = table, most
        self.broken_after: int | None = None
        self.queries: list[str] = []
        self.url = ""

    def answer(self, parameters: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body for a request."""
        self.queries.append(parameters["QUERY"])
        if self.broken_after is not None and len(self.queries) > self.broken_after:
            return 503, b"down"
        return 200, self._votable(parameters["QUERY"], int(parameters.get("MAXREC", self.most)))

    def _votable(self, query: str, maxrec: int) -> bytes:
        match = re.fullmatch(r'SELECT TOP (\d+) (.*) FROM "cat/table"(?: WHERE (.*))? ORDER BY recno', query)
        if match is None:
            return _ERROR.format(f"cannot parse {query.replace('<', '(')}").encode()
        names = [re.fullmatch(r'"?(.*?)"? AS c\d+', part) for part in match[2].split(", ")]
        unknown = [name[1] for name in names if name and name[1] not in self.table.colnames]
        if unknown:
            return _ERROR.format(f"unknown column {unknown[0]}").encode()
        rows = self.table[self._selected(match[3] or "")]
        rows.sort("recno")
        most = min(int(match[1]), maxrec, self.most)
        found = Table({f"c{i}": rows[name[1]][:most] for i, name in enumerate(names) if name})
        return _serialized(found, overflow=len(rows) > most)

    def _selected(self, where: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        ra, dec = np.asarray(self.table["RA"]), np.asarray(self.table["DE"])
        keep = np.ones(len(self.table), np.bool_)
        if after := re.search(r"recno > (\d+)", where):
            keep &= np.asarray(self.table["recno"]) > int(after[1])
        if circle := re.search(r"CIRCLE\('ICRS', ([-\d.]+), ([-\d.]+), ([-\d.]+)\)", where):
            lon, lat, radius = np.radians([float(one) for one in circle.groups()])
            cosine = np.sin(lat) * np.sin(np.radians(dec))
            cosine += np.cos(lat) * np.cos(np.radians(dec)) * np.cos(np.radians(ra) - lon)
            keep &= cosine >= np.cos(radius)
        if bounds := re.search(r"DE BETWEEN ([-\d.]+) AND ([-\d.]+)", where):
            keep &= (dec >= float(bounds[1])) & (dec <= float(bounds[2]))
        if bounds := re.search(r"RA BETWEEN ([-\d.]+) AND ([-\d.]+)", where):
            keep &= (ra >= float(bounds[1])) & (ra <= float(bounds[2]))
        if bounds := re.search(r"RA >= ([-\d.]+) OR RA <= ([-\d.]+)", where):
            keep &= (ra >= float(bounds[1])) | (ra <= float(bounds[2]))
        return keep


def _serialized(table: Table, *, overflow: bool) -> bytes:
    votable = from_table(table)
    resource = votable.resources[0]
    resource.type = "results"
    buffer = io.BytesIO()
    writeto(votable, buffer, tabledata_format="binary2")
    status = f'<INFO name="QUERY_STATUS" value="{"OVERFLOW" if overflow else "OK"}"/>'
    return re.sub(rb"(<RESOURCE[^>]*>)", rb"\1" + status.encode(), buffer.getvalue(), count=1)


@contextmanager
def serve(server: TapServer) -> Iterator[TapServer]:
    """Run the service on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _reply(self, text: str) -> None:
            parameters = {key: values[0] for key, values in parse_qs(text).items()}
            status, body = server.answer(parameters)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}/tap"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
