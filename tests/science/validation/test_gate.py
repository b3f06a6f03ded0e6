"""The gate names every limit that is broken with its numbers, and judges nothing that rests on few stars."""

import json

import numpy as np
import pytest

from app.domain.gates import Gate
from app.domain.quantities import Parameter
from app.science.validation.gate import failures_of
from app.science.validation.report import assemble, plain

REPORT = {
    "pairs": [
        {"survey": "a", "other": "b", "parameter": "logg", "after": {"n": 500, "median": -0.05, "median_error": 0.01}},
        {"survey": "a", "other": "c", "parameter": "logg", "after": {"n": 9, "median": 3.0, "median_error": 0.1}},
        {"survey": "d", "other": "b", "parameter": "teff", "after": {"n": 500, "median": None, "median_error": None}},
    ],
    "coverage": [
        {"survey": "a", "other": "b", "parameter": "feh", "overall": {"n": 500, "covered": 0.5}},
        {"survey": "a", "other": "b", "parameter": "teff", "overall": {"n": 500, "covered": 0.9}},
    ],
    "pulls": [{"kind": "number", "subset": "3", "parameter": "feh", "n": 400, "width": 1.4}],
}


@pytest.mark.parametrize(
    ("gate", "texts"),
    [
        (Gate(), []),
        (Gate(max_offset_sigma=3), ["max_offset_sigma: a - b, logg: 5 (allowed 3)"]),
        (Gate(max_offset_sigma=6), []),
        (Gate(max_median={Parameter.LOGG: 0.03}), ["max_median: a - b, logg: -0.05 (allowed 0.03)"]),
        (Gate(max_median={Parameter.TEFF: 1.0}), []),
        (
            Gate(max_median={Parameter.LOGG: 0.06}, fewest_stars=5),
            ["max_median: a - c, logg: 3 (allowed 0.06)"],
        ),
        (
            Gate(coverage=(0.6, 0.8)),
            ["coverage: a - b, feh: 0.5 (allowed 0.6)", "coverage: a - b, teff: 0.9 (allowed 0.8)"],
        ),
        (Gate(max_pull_width=1.2), ["max_pull_width: number 3, feh: 1.4 (allowed 1.2)"]),
    ],
)
def test_limits(gate, texts):
    assert [str(failure) for failure in failures_of(gate, REPORT)] == texts


def test_the_report_carries_the_verdict_and_what_is_circular():
    report = assemble("test stars", pairs=REPORT["pairs"], pulls=REPORT["pulls"], gate=Gate(max_pull_width=1.2))
    assert not report["gate"]["passed"]
    assert report["gate"]["limits"] == {"fewest_stars": 100, "max_pull_width": 1.2}
    assert report["gate"]["failures"][0]["text"].startswith("max_pull_width: number 3")
    assert any("asteroseismology" in statement["check"] for statement in report["circular"])
    assert "external" not in report
    assert assemble("x", pairs=[], external={"seismology": {"n": np.int64(3)}})["external"]["seismology"] == {"n": 3}


def test_a_report_is_json_whatever_it_holds():
    values = plain(
        {"a": np.array([[1.0, np.inf]]), "b": np.float32(0.1), "c": {"d": None, "e": True}, "f": np.bool_(1)}
    )
    assert json.loads(json.dumps(values, allow_nan=False)) == {
        "a": [[1.0, None]],
        "b": 0.1,
        "c": {"d": None, "e": True},
        "f": True,
    }
