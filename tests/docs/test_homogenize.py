"""`docs/homogenize.md`: every block on the page works, as it stands, against a live service with a worker beside it."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from app.settings import Settings
from tests.conftest import REPOSITORY
from tests.docs.test_clients import run
from tests.support import ingested, servers
from tests.support.cli import start_sos
from tests.support.live import running
from tests.support.user_table import columns_of

STARS = 1500
PAGE = (REPOSITORY / "docs/homogenize.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def address(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service answers that shares its database and its files with a worker."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        ingested.build(database, tmp_path_factory.mktemp("files"), stars=STARS)
        worker = start_sos("worker", SOS_DATABASE_URL=database.url, SOS_STATE=state)
        try:
            with running(database, SOS_STATE=state) as (url, _):
                yield url
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=60)


@pytest.mark.parametrize(("language", "text"), BLOCKS, ids=[str(place) for place in range(len(BLOCKS))])
def test_a_block_does_what_it_shows(language: str, text: str, address: str, tmp_path: Path):
    if language == "bash" and shutil.which("curl") is None:
        pytest.skip("curl is not installed (Debian: apt-get install curl)")
    table = pa.table(columns_of(np.arange(150, 300), stars=STARS))
    pa.csv.write_csv(table, tmp_path / "my_survey.csv")
    printed = run(language, text, tmp_path, address)
    left = {path.name: path for path in tmp_path.iterdir() if path.name.startswith("my_survey_homogenized")}
    assert printed.strip() or left
    for path in left.values():
        read = pa.csv.read_csv if path.suffix == ".csv" else pq.read_table
        assert {"teff_unified", "feh_unified_upper", "split"} <= set(read(path).schema.names)
    if language == "python":
        assert "succeeded None" in printed
        assert "204" in printed


def test_the_settings_that_the_page_names_are_settings_with_these_values():
    settings = Settings(_env_file=None)
    named = {name.lower(): int(value) for name, value in re.findall(r"`SOS_([A-Z_]+)`\s+\((\d+)\)", PAGE)}
    assert named == {
        name: getattr(settings, name)
        for name in ("upload_limit_mib", "tables_at_once", "tables_kept", "keep_tables_days")
    }
    assert len(BLOCKS) >= 3
