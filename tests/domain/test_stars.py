"""Identifiers of stars as users write them."""

from __future__ import annotations

import pytest

from app.domain.errors import ParameterError
from app.domain.stars import GaiaSource, StarId, StarNumber, SurveyObject, parse_star_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaia:604906737317927296", GaiaSource(604906737317927296)),
        ("Gaia: 4295806720", GaiaSource(4295806720)),
        ("604906737317927296", GaiaSource(604906737317927296)),
        ("100000000000000", GaiaSource(100000000000000)),
        ("9223372036854775807", GaiaSource(2**63 - 1)),
        ("sos:42", StarNumber(42)),
        ("apogee_dr17:2M08520715+1149254", SurveyObject("apogee_dr17", "2M08520715+1149254")),
        ("lamost_lrs:75606117", SurveyObject("lamost_lrs", "75606117")),
        ("rave_dr4:a:b", SurveyObject("rave_dr4", "a:b")),
    ],
)
def test_identifiers_are_read(text: str, expected: StarId) -> None:
    assert parse_star_id(text) == expected
    assert parse_star_id(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "42", "12345678901234", "9223372036854775808", "gaia:", "gaia:-5", "gaia:1.5", "gaia:0", "sos:many", ":x",
     "Survey:1", "no such star", "gaia:١٢٣"],
)  # fmt: skip
def test_what_names_no_star_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=r"star_id: .* names no star; write gaia:"):
        parse_star_id(text, "star_id")
