"""Stars stand where stars stand."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.mock.sequences import Stage, giant_teff, log_luminosity, place, turn_off_mass


def at(stage, age, feh, along):
    arrays = np.broadcast_arrays(stage, np.asarray(age, float), np.asarray(feh, float), np.asarray(along, float))
    return place(*(np.atleast_1d(a) for a in arrays), np.zeros(np.atleast_1d(arrays[0]).shape))


def test_the_sun_is_on_the_main_sequence():
    mass = turn_off_mass(np.array([4.57]), np.array([0.0]))
    along = ((1.0 - 0.6) / (mass - 0.6)) ** (1 / 0.8)
    sun = at(Stage.DWARF, 4.57, 0.0, along)
    assert sun.mass[0] == pytest.approx(1.0, abs=1e-9)
    assert sun.teff[0] == pytest.approx(5772, abs=80)
    assert sun.logg[0] == pytest.approx(4.44, abs=0.04)
    assert 10 ** log_luminosity(sun.mass, sun.teff, sun.logg)[0] == pytest.approx(1.0, abs=0.1)


def test_the_turn_off_of_m67_and_of_a_globular_cluster():
    along = np.linspace(0, 1, 400)
    m67 = at(Stage.DWARF, 3.9, 0.0, along)
    globular = at(Stage.DWARF, 12.0, -1.5, along)
    assert m67.teff.max() == pytest.approx(6250, abs=150)
    assert globular.teff.max() == pytest.approx(6350, abs=200)
    assert globular.mass.max() == pytest.approx(0.83, abs=0.04)


def test_the_clump_is_one_luminosity_at_log_g_two_and_a_half():
    clump = at(Stage.CLUMP, 6.0, -0.1, np.linspace(0, 0.99, 50))
    assert np.all((clump.logg > 2.25) & (clump.logg < 2.65))
    assert np.all((clump.teff > 4600) & (clump.teff < 5000))
    assert np.ptp(log_luminosity(clump.mass, clump.teff, clump.logg)) < 0.2


def test_giants_are_hotter_when_metal_poor_and_cooler_when_larger():
    logg = np.linspace(0.5, 3.5, 30)
    for poor, rich in ((-2.5, -1.5), (-1.5, -0.5), (-0.5, 0.4)):
        assert np.all(
            giant_teff(logg, np.full(30, poor), np.ones(30)) > giant_teff(logg, np.full(30, rich), np.ones(30))
        )
    assert np.all(np.diff(giant_teff(logg, np.zeros(30), np.ones(30))) > 0)


def test_a_life_is_one_line_without_jumps():
    """Dwarf to subgiant to giant of one age: neighbours along the line stay neighbours."""
    along = np.linspace(0, 1, 500)
    parts = [at(stage, 5.0, -0.2, along) for stage in (Stage.DWARF, Stage.SUBGIANT, Stage.GIANT)]
    teff = np.concatenate([parts[0].teff, parts[1].teff, parts[2].teff[::-1]])
    logg = np.concatenate([parts[0].logg, parts[1].logg, parts[2].logg[::-1]])
    assert np.abs(np.diff(teff)).max() < 40
    assert np.abs(np.diff(logg)).max() < 0.04
