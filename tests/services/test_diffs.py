"""Two versions whose every difference is known."""

import pytest

from app.domain.errors import ParameterError, UnknownVersionError
from app.domain.quantities import Parameter
from app.services.diffs import Diffs
from tests.support import catalogue
from tests.support.catalogue import N_STARS

STARS, VALUED = N_STARS, N_STARS - 1  # one star of the catalogue has no value at all


@pytest.fixture
def versions(database):
    """Version 2 is 100 K above version 1 and a thousandth of a dex, but for what is changed here."""
    catalogue.build(database, n_versions=2)
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM homogenized_2 WHERE star_id = 11")
        connection.exec_driver_sql("UPDATE homogenized_2 SET feh = NULL WHERE star_id = 14")
        connection.exec_driver_sql("UPDATE homogenized_1 SET logg = NULL WHERE star_id IN (17, 20)")
        connection.exec_driver_sql("UPDATE homogenized_2 SET teff = teff + 900 WHERE star_id = 41")
        connection.exec_driver_sql("UPDATE version SET n_stars = n_stars - 1 WHERE version_id = 2")
    return Diffs(database)


def test_what_changed_is_counted(versions):
    diff = versions.compare(1, 2, sigma=3.0)
    assert (diff.common, diff.only_first, diff.only_second) == (STARS - 1, 1, 0)
    assert diff.moved == VALUED - 1
    teff, logg, feh = (diff.parameters[parameter] for parameter in Parameter)
    assert [part.everything.n for part in (teff, logg, feh)] == [VALUED - 1, VALUED - 3, VALUED - 2]
    assert [(part.lost, part.gained) for part in (teff, logg, feh)] == [(0, 0), (0, 2), (1, 0)]
    assert teff.everything.quantiles[2] == pytest.approx(100.0, rel=0.01)
    assert logg.everything.quantiles[2] == pytest.approx(1 / 1024, rel=0.01)
    assert (teff.everything.beyond, logg.everything.beyond) == (VALUED - 1, 0)


def test_groups_hold_every_star_once(versions):
    diff = versions.compare(1, 2, sigma=3.0)
    for part in diff.parameters.values():
        assert sum(change.n for _, change in part.regions) == part.everything.n
        for of in Parameter:
            known = sum(change.n for parameter, _, _, change in part.kinds if parameter is of)
            assert part.everything.n - 2 <= known <= part.everything.n
    assert set(diff.parameters[Parameter.TEFF].surveys) == set(catalogue.SURVEYS)
    assert diff.parameters[Parameter.TEFF].surveys["gamma"].n == -(-N_STARS // 7) - 1  # without the deleted star


def test_the_farthest_stars_come_first_page_by_page(versions):
    first = versions.moved(1, 2, sigma=3.0, limit=200)
    assert first.stars[0].star_id == 41
    assert first.stars[0].values[Parameter.TEFF] == (4110.0, 5110.0)
    assert first.stars[0].pull == pytest.approx(1000 / 0.2, rel=1e-3)
    rest = versions.moved(1, 2, sigma=3.0, limit=200, after=first.next)
    assert rest.next is None
    stars = first.stars + rest.stars
    assert len({star.star_id for star in stars}) == len(stars) == VALUED - 1
    assert [star.pull for star in stars] == sorted((star.pull for star in stars), reverse=True)
    assert versions.moved(1, 2, sigma=4000.0, limit=10).stars == first.stars[:1]
    with pytest.raises(ParameterError, match="after"):
        versions.moved(1, 2, sigma=3.0, limit=10, after="nonsense")


def test_a_version_does_not_differ_from_itself(versions):
    diff = versions.compare(2, 2, sigma=0.0)
    assert (diff.moved, diff.plan, diff.models) == (0, (), ())
    assert diff.parameters[Parameter.TEFF].everything.quantiles == (0.0,) * 5


def test_settings_and_models_that_differ_stand_side_by_side(versions, database):
    with database.begin() as connection:
        connection.exec_driver_sql("""UPDATE version SET plan = '{"name": "other", "fit": {"few": 60}}',
            report = '{"pairs": [{"survey": "beta_dr2", "other": "alpha_dr1", "parameter": "teff",
                       "after": {"n": 150, "median": 1.5, "scatter": 40.0}}]}' WHERE version_id = 2""")
        connection.exec_driver_sql(
            "UPDATE model SET kind = 'linear' WHERE version_id = 2 AND survey_id = 2 AND parameter = 'feh'"
        )
    diff = versions.compare(1, 2, sigma=3.0)
    assert {(side.name, side.first, side.second) for side in diff.plan} == {
        ("name", "test", "other"),
        ("fit.few", None, 60),
    }
    assert [(side.name, side.first, side.second) for side in diff.models] == [("beta_dr2.feh", "boosted", "linear")]
    [pair] = diff.pairs
    assert (pair.name, pair.first, pair.second["median"]) == ("beta_dr2 - alpha_dr1.teff", None, 1.5)


def test_only_complete_versions_are_compared(versions, database):
    assert versions.resolve(1, None) == (1, 2)
    with pytest.raises(UnknownVersionError, match="no version 9"):
        versions.resolve(1, 9)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE version SET state = 'running' WHERE version_id = 1")
    with pytest.raises(UnknownVersionError, match="version 1 is running"):
        versions.resolve(1, 2)
