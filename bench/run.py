"""`make bench`: every measurement side by side with its limit in the same run, as one table.

    python -m bench.run [--only NAME ...] [--rows NAME=N ...] [--json FILE]

The server is the embedded one in a temporary folder, or the one that SOS_BENCH_DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.storage.embedded import EmbeddedServer

NAMES = ("ingest", "crossmatch", "http", "combination", "fit", "calibrated")


def main() -> None:
    """Run the measurements that were asked for and print them."""
    parser = argparse.ArgumentParser(description="Measure SoS against the limits of this machine.")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rows", nargs="+", default=[], metavar="NAME=N")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rows = {name: int(number) for name, number in (pair.split("=") for pair in chosen.rows)}
    table: dict[str, list[tuple[str, float, str]]] = {}
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with server() as url:
        for name in chosen.only:
            module = importlib.import_module(f"bench.{name}")
            table[name] = module.measure(url, **({"rows": rows[name]} if name in rows else {}))
            for what, value, unit in table[name]:
                print(f"{what:<78} {value:>14,.4g} {unit}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(table, indent=1))


@contextmanager
def server() -> Iterator[str]:
    """Yield the server that the environment names, else an embedded one for the time being."""
    given = os.environ.get("SOS_BENCH_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="sos-bench-") as folder:
        server = EmbeddedServer(Path(folder))
        try:
            yield server.start()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
