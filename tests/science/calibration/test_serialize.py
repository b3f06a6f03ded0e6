"""A model comes back from its bytes bit for bit."""

import numpy as np
import pytest

from app.science.calibration.features import feature_space
from app.science.calibration.fitting import fit_survey
from app.science.calibration.serialize import dump_bias, dump_frame, load_bias, load_survey
from app.science.calibration.settings import FitSettings
from tests.support.links import giants, invented_links


def test_the_same_numbers_and_the_same_bytes():
    own = np.array([np.nan, np.nan, 0.05])
    model = fit_survey(invented_links(600), (False, False, True), FitSettings(), own_error=own).model
    frame, parts = dump_frame(model), tuple(dump_bias(part) for part in model.models)
    again = load_survey(frame, parts)
    probe = giants(300, seed=3)
    nothing = np.full_like(probe, np.nan)
    one, other = (m.calibrate(probe, np.zeros((300, 0)), nothing, nothing) for m in (model, again))
    for name in ("value", "minus", "plus", "in_domain", "converged"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
    assert dump_frame(again) == frame
    assert tuple(dump_bias(part) for part in again.models) == parts


def test_other_bytes_are_refused():
    space = feature_space(giants(10, seed=1), ("teff", "logg", "feh"))
    with pytest.raises(ValueError, match="not a SoS model"):
        load_bias(b"PK\x03\x04", space)
