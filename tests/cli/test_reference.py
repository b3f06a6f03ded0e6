"""External scales as a person loads them."""

import json

import pytest

from app.cli import demo
from app.storage import references
from tests.support.cli import sos

TABLE = "TMASS_ID,ra,dec,LOGG_SEIS,SIG_LOGG_SEIS\n19550016+4435356,298.75,44.59,1.25,0.01\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "seismic_logg.csv").write_text(TABLE)
    (tmp_path / "readme.txt").write_text("about these tables\n")
    return tmp_path


def test_load_and_list(database, folder):
    loaded = sos("reference", "load", folder, "--json", database=database)
    assert loaded.exit_code == 0, loaded.output
    assert [(row["source"], row["rows"]) for row in json.loads(loaded.stdout)] == [("seismic_logg", 1)]
    assert "readme.txt was left: has the columns of no reference table" in loaded.stderr
    listed = sos("reference", "list", "--json", database=database)
    assert json.loads(listed.stdout)[0]["file"] == "seismic_logg.csv"


def test_a_damaged_table_is_refused_by_file_and_column(database, folder):
    (folder / "seismic_logg.csv").write_text(TABLE.replace("LOGG_SEIS", "LOGG"))
    wrong = sos("reference", "load", folder, database=database)
    assert wrong.exit_code == 2
    assert "seismic_logg.csv, column LOGG_SEIS: is missing" in wrong.stderr
    missing = sos("reference", "load", folder / "none", database=database)
    assert missing.exit_code == 2


def test_the_demo_loads_the_tables_that_lie_beside_the_surveys(database, folder, capsys):
    demo._load_references(database, folder / "none")
    with database.connect() as connection:
        assert references.files(connection) == []
    demo._load_references(database, folder)
    with database.connect() as connection:
        assert [file.source for file in references.files(connection)] == ["seismic_logg"]
    assert "seismic_logg.csv: asteroseismic log g, 1 of 1 rows" in capsys.readouterr().err
