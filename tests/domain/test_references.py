"""Clusters have one name, however a table spells it."""

import pytest

from app.domain.references import cluster_key, cluster_label


@pytest.mark.parametrize(
    "spellings",
    [
        ("NGC_2682", "M67", "M 67", "NGC 2682", "ngc2682", "Messier 67", " NGC  2682 ", "NGC_02682"),
        ("Melotte_22", "Mel 22", "Pleiades", "M45", "MELOTTE 22"),
        ("NGC_2632", "Praesepe", "M44", "Beehive"),
        ("NGC 104", "47 Tuc", "NGC_104", "NGC 0104"),
        ("NGC 5139", "omega Cen"),
        ("Ruprecht_147", "Rup 147", "RUPRECHT-147"),
        ("LP_866", "LP_0866"),
        ("ESO_368_11", "ESO 368-11"),
        ("Berkeley_17", "Be 17", "Berk 17"),
    ],
)
def test_spellings_of_one_cluster(spellings):
    assert len({cluster_key(name) for name in spellings}) == 1


def test_different_clusters_stay_apart():
    names = [
        "NGC_2682",
        "NGC_268",
        "IC_2682",
        "UBC_1",
        "UBC_10",
        "UBC_100",
        "M_2",
        "M_22",
        "Pismis_27",
        "BH_217",
        "BH_87",
    ]
    assert len({cluster_key(name) for name in names}) == len(names)


def test_a_key_is_its_own_key_and_has_a_label():
    assert cluster_key(cluster_key("Mel 25")) == cluster_key("Hyades") == "MELOTTE_25"
    assert cluster_label("MELOTTE_25") == "Melotte 25 (Hyades)"
