"""`docs/clients.md`: every block on the page works, as it stands, against a live service with a worker beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table

from tests.conftest import REPOSITORY
from tests.support import catalogue, servers
from tests.support.cli import start_sos
from tests.support.live import running

ADDRESS = "http://127.0.0.1:8000"
PAGE = (REPOSITORY / "docs/clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
MINE = "name,ra,dec\npair,150.0,2.0\npole,0.0,90.0\nnowhere,77.0,-33.0\n"


@pytest.fixture(scope="module")
def address(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service answers that shares its database and its files with a worker."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        worker = start_sos("worker", SOS_DATABASE_URL=database.url, SOS_STATE=state)
        try:
            with running(database, SOS_STATE=state) as (url, _):
                yield url
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=60)


def run(language: str, text: str, folder: Path, address: str) -> str:
    """Run a block in a folder that holds the user's table; return what it prints."""
    (folder / "my_stars.csv").write_text(MINE)
    assert ADDRESS in text, "a block that asks nobody proves nothing"
    program = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[language]
    done = subprocess.run(
        [*program, text.replace(ADDRESS, address)],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=[str(place) for place in range(len(BLOCKS))])
def test_a_block_does_what_it_shows(language: str, text: str, address: str, tmp_path: Path):
    for program in ("stilts", "curl"):
        if text.startswith(program) and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")
    printed = run(language, text, tmp_path, address)
    left = [path for path in tmp_path.iterdir() if path.name != "my_stars.csv"]
    assert printed.strip() or left
    for path in left:
        assert path.stat().st_size > 0
        if path.name.startswith("my_stars_joined"):
            assert "pair" in Table.read(path)["name"].astype(str).tolist()


def test_the_page_has_an_example_of_every_client():
    text = "".join(block for _, block in BLOCKS)
    named = ("curl ", "import pandas", "import pyvo", "astropy.table", "astroquery", "lsdb.open_catalog")
    for client in (*named, "stilts tapquery", "stilts coneskymatch"):
        assert client in text
    assert {language for language, _ in BLOCKS} == {"bash", "python"}
