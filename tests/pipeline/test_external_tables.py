"""Reference tables are read by their columns, kept to the last digit, and refused by file, column and row."""

import gzip

import pytest

from app.domain.errors import ParameterError, TableError
from app.pipeline.external_tables import load_folder
from app.storage import references

BIG = 2**62 + 1  # no double holds it
BENCHMARKS = f"""HIP,HD,Name,GaiaDR3,RA_ICRS,DE_ICRS,Plx,Teff,e_Teff,logg,e_logg,[Fe/H],e_[Fe/H]
HIP1,HD1,*  63 Cet,{BIG},10.5,-9.85,40.4,5514,116,3.95,0.09,0.05,0.02
HIP2,HD2,,,11.5,-8.85,40.4,4676,80,2.37,0.09,,
HIP3,,,7,12.5,-8.85,40.4,,,,,,
"""
SEISMIC = "TMASS_ID,ra,dec,LOGG_SEIS,SIG_LOGG_SEIS\n2M19550016+4435356,298.75,44.59,1.25,0.01\n"
OPEN = """"Seq","Cluster","[Fe/H]","s_[Fe/H]","o_[Fe/H]"
1,"NGC_2682",0.0,0.06,27
2,"M67",0.02,,
3,"Mel 22",-0.01,0.05,3
"""
GLOBULAR = """id,name,ra,dec,R_sun,feh,wt
NGC 104,47 Tuc,00 24 05.67,-72 04 52.6,4.5,-0.72,10
Ko 2,,07 58 17.0,+26 15 18,1,,0
"""
MEMBERS = f"""cluster,GaiaEDR3,RA_ICRS,DE_ICRS,Gmag,Pmemb
NGC_2682,{BIG},132.8,11.8,12.5,1.0
NGC_2682,{BIG + 1},132.9,11.9,13.5,
UBC_354,5,10.0,10.0,13.5,0.9
UBC_574,5,10.0,10.0,13.5,0.9
LP_866,6,10.0,11.0,13.5,0.9
LP_0866,6,10.0,11.0,13.5,0.9
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gaia_benchmark_stars_v3.csv").write_text(BENCHMARKS)
    (tmp_path / "seismic_logg_kepler.csv").write_text(SEISMIC)
    (tmp_path / "open_cluster_feh.csv").write_text(OPEN)
    (tmp_path / "globular_cluster_feh.csv").write_text(GLOBULAR)
    (tmp_path / "open_cluster_members.csv.gz").write_bytes(gzip.compress(MEMBERS.encode()))
    (tmp_path / "notes.txt").write_text("nothing\n")
    return tmp_path


def test_every_row_is_kept_or_counted(database, folder):
    loaded = load_folder(database, folder)
    assert [name for name, _ in loaded.skipped] == ["notes.txt"]
    assert {file.source: (file.rows_read, file.rows_stored, dict(file.left_out)) for file in loaded.files} == {
        "benchmark_stars": (3, 2, {"no value": 1}),
        "seismic_logg": (1, 1, {}),
        "open_clusters": (3, 2, {"its row is there twice": 1}),
        "globular_clusters": (2, 1, {"no value": 1}),
        "cluster_members": (6, 3, {"its id is in two clusters": 2, "its row is there twice": 1}),
    }


def test_values_names_and_ids_are_exact(database, folder):
    load_folder(database, folder)
    with database.connect() as connection:
        stars = references.stars(connection, "benchmark_stars")
        seismic = references.stars(connection, "seismic_logg")
        members = references.members(connection)
        globular = references.clusters(connection, "globular")
    assert stars["gaia_dr3_source_id"].tolist() == [BIG, 0]
    assert stars["name"].tolist() == ["63 Cet", "HD2"]
    assert (stars["teff"][0], stars["teff_err"][0]) == (5514, 116)
    assert seismic["tmass"].tolist() == ["19550016+4435356"]
    assert sorted(members["gaia_dr3_source_id"].tolist()) == [6, BIG, BIG + 1]
    assert set(members["cluster"]) == {"NGC_2682", "LP_866"}
    assert globular["cluster"].tolist() == ["NGC_104"]
    assert globular["ra"][0] == pytest.approx(15 * (24 / 60 + 5.67 / 3600))
    assert globular["dec"][0] == pytest.approx(-(72 + 4 / 60 + 52.6 / 3600))


def test_the_same_file_again_does_nothing_and_another_takes_its_place(database, folder):
    load_folder(database, folder)
    assert all(file.repeated for file in load_folder(database, folder).files)
    (folder / "seismic_logg_kepler.csv").write_text(SEISMIC + "19374056+4029591,294.4,40.5,0.84,0.01\n")
    again = {file.source: file for file in load_folder(database, folder).files}
    assert (again["seismic_logg"].rows_stored, again["seismic_logg"].repeated) == (2, False)
    with database.connect() as connection:
        assert len(references.stars(connection, "seismic_logg")["logg"]) == 2
        assert len(references.files(connection)) == 5


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("gaia_benchmark_stars_v3.csv", "e_Teff", "err", "gaia_benchmark_stars_v3.csv, column e_Teff: is missing"),
        ("gaia_benchmark_stars_v3.csv", str(BIG), "4.6e18", "column GaiaDR3, row 1: 4.6e18 is no 64-bit integer"),
        ("seismic_logg_kepler.csv", "1.25", "low", "column LOGG_SEIS, row 1: low is no number"),
        ("globular_cluster_feh.csv", "-72 04 52.6", "-72.08", "column dec, row 1: -72.08 is not written as"),
    ],
)
def test_errors_name_file_column_and_row_and_leave_nothing(database, folder, file, old, new, message):
    path = folder / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(TableError, match=message):
        load_folder(database, folder)


def test_two_tables_of_one_source_and_a_folder_that_is_none_are_refused(database, folder, tmp_path):
    (folder / "another_seismic.csv").write_text(SEISMIC)
    with pytest.raises(TableError, match="second table of seismic_logg"):
        load_folder(database, folder)
    with pytest.raises(ParameterError, match="not a folder"):
        load_folder(database, tmp_path / "none")


@pytest.mark.real
def test_the_real_tables_are_read_whole(database, real_data):
    loaded = {file.source: file for file in load_folder(database, real_data / "reference").files}
    assert {source: file.rows_read for source, file in loaded.items()} == {
        "benchmark_stars": 201,
        "seismic_logg": 5574,
        "open_clusters": 78,
        "globular_clusters": 157,
        "cluster_members": 70829,
    }
    assert loaded["cluster_members"].left_out == {"its id is in two clusters": 678, "its row is there twice": 19}
    with database.connect() as connection:
        stars = references.stars(connection, "benchmark_stars")
    assert 6904703228801028864 in stars["gaia_dr3_source_id"].tolist()
