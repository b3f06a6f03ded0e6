"""The domain flags stars beyond the training support and leaves those inside alone."""

import numpy as np

from app.science.calibration.domain import learn_domain


def giants(n, seed, feh_mean=-0.3):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(4800, 250, n), rng.normal(2.5, 0.5, n), rng.normal(feh_mean, 0.25, n)])


def test_metal_poor_stars_are_outside_and_training_like_stars_inside():
    domain = learn_domain(giants(4000, 1), giants(1000, 2), rng=np.random.default_rng(3))
    assert domain.contains(giants(3000, 4)).mean() >= 0.98
    assert domain.contains(giants(1000, 5, feh_mean=-2.4)).mean() <= 0.05


def test_more_training_stars_than_are_kept_give_the_same_answer():
    domain = learn_domain(giants(30_000, 1), giants(2000, 2), rng=np.random.default_rng(3))
    assert len(domain.points) == 5000
    assert domain.contains(giants(3000, 4)).mean() >= 0.975
    assert domain.contains(giants(1000, 5, feh_mean=-2.4)).mean() <= 0.05


def test_a_missing_feature_counts_as_typical():
    domain = learn_domain(giants(1000, 1), giants(500, 2), rng=np.random.default_rng(3))
    assert domain.contains(np.array([[4800.0, 2.5, np.nan]])).all()


def test_a_star_at_the_edge_is_not_pushed_out_by_its_own_error():
    domain = learn_domain(giants(4000, 1), giants(1000, 2), rng=np.random.default_rng(3))
    error = np.tile([150.0, 0.3, 0.15], (3000, 1))
    noisy = giants(3000, 4) + error * np.random.default_rng(6).normal(size=(3000, 3))
    strict, tolerant = domain.contains(noisy), domain.contains(noisy, error)
    assert (tolerant >= strict).all()
    assert (~tolerant).mean() < 0.75 * (~strict).mean()
    assert domain.contains(giants(1000, 5, feh_mean=-2.4), error[:1000]).mean() <= 0.05
