"""Ids that lost their last digits are told from whole ones."""

from __future__ import annotations

import numpy as np

from app.science.crossmatch.damage import rounded_ids, without_rounded_ids
from tests.support.survey_rows import observations, row


def _ids(n: int, seed: int, least: int = 1, most: int = 2**63 - 2**20) -> np.ndarray:
    return np.random.default_rng(seed).integers(least // 128 + 1, most // 128, n) * 128


def _through_a_float(ids: np.ndarray) -> np.ndarray:
    return ids.astype(np.float64).astype(np.int64)


def test_whole_ids_are_believed() -> None:
    survey = np.arange(3000) % 3
    assert not rounded_ids(survey, _ids(3000, 1)).any()
    assert not rounded_ids(survey, np.zeros(3000, np.int64)).any()
    assert not rounded_ids(np.zeros(0, np.int64), np.zeros(0, np.int64)).any()
    assert not rounded_ids(np.zeros(5, np.int64), np.full(5, 2**63 - 1)).any()


def test_rounded_ids_are_found_in_their_survey_only() -> None:
    survey, ids = np.arange(600) % 2, _ids(600, 2)
    ids[survey == 1] = _through_a_float(ids[survey == 1])
    np.testing.assert_array_equal(rounded_ids(survey, ids), (survey == 1) & (ids >= 2**60))


def test_one_whole_id_proves_a_survey_right_and_few_ids_prove_nothing() -> None:
    ids = _through_a_float(_ids(300, 3, 2**61))
    zero = np.zeros(300, np.int64)
    assert rounded_ids(zero, ids).all()
    ids[17] += 128
    assert not rounded_ids(zero, ids).any()
    few = _through_a_float(_ids(9, 4, 2**61))
    assert not rounded_ids(np.zeros(9, np.int64), few).any()


def test_small_ids_survive_a_float() -> None:
    ids = _ids(400, 5, 1, 2**60)
    np.testing.assert_array_equal(_through_a_float(ids), ids)
    assert not rounded_ids(np.zeros(400, np.int64), ids).any()


def test_rows_lose_rounded_ids_alone() -> None:
    ids = _through_a_float(_ids(100, 6, 2**61)).tolist()
    rows = observations(*(row(0, gaia_dr2=one) for one in ids), *(row(1, gaia_dr3=one) for one in _ids(100, 7)))
    cleaned, damaged = without_rounded_ids(rows)
    assert damaged.tolist() == [True] * 100 + [False] * 100
    assert not cleaned.gaia_dr2.any()
    np.testing.assert_array_equal(cleaned.gaia_dr3, rows.gaia_dr3)
