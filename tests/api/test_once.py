"""A parameter that is given twice, or holds what no value can, is refused and named, by every call alike."""

from __future__ import annotations

import pytest

from tests.support.catalogue import Truth
from tests.support.http import Service


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/cone?ra=1&ra=2&dec=1&radius=1", "ra"),
        ("/v1/stars/sos:11?version=1&version=2", "version"),
        ("/v1/catalog?survey=alpha_dr1&survey=beta_dr2", "survey"),
        ("/v1/catalog?teff_min=&teff_min=4000", "teff_min"),
        ("/v1/surveys/alpha_dr1/measurements?split=train&split=test", "split"),
        ("/v1/versions/1/diff/2?limit=1&limit=2", "limit"),
    ],
)
def test_a_parameter_that_is_given_twice_is_refused(service: Service, truth: Truth, path: str, parameter: str):
    answer = service.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"] == [{"parameter": parameter, "detail": "is given more than once; once is enough"}]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/catalog?survey=%00", "survey"),
        ("/v1/homogenize?name=a%00b", "name"),
        ("/v1/stars/alpha_dr1:%00", "id"),
    ],
)
def test_a_nul_is_refused_by_the_name_of_its_parameter(service: Service, truth: Truth, path: str, parameter: str):
    answer = service.post(path, b"") if "homogenize" in path else service.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)
