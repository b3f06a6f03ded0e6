"""Small skies on which a cross-match has much to decide: crowds, repeats, fast stars, wrong and shared identifiers."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.science.sphere import moved

SURVEYS = ("alpha", "beta", "delta", "gamma")
RADII = {"alpha": 0.8, "beta": 3.0, "delta": 1.5, "gamma": 5.0}
EPOCHS = {"alpha": 2016.0, "beta": 2000.0, "delta": 2015.5, "gamma": 1991.25}
FIRST_GAIA = 4_654_951_736_571_465_088


def tangled(seed: int, n_stars: int = 120, *, wrong: float = 0.06) -> list[dict[str, Any]]:
    """Return rows (columns of `measurement` and `survey`), in no order, of stars in clumps of a few arcsec.

    A share of the identifiers is `wrong`: another star's.
    """
    rng = np.random.default_rng(seed)
    centre_ra, centre_dec = rng.uniform(0, 360, n_stars // 3), np.degrees(np.arcsin(rng.uniform(-1, 1, n_stars // 3)))
    centre_ra[:4], centre_dec[:4] = (0.0, 359.9999, 10.0, 200.0), (0.0, 0.0, 90.0, -89.9999)
    clump = rng.integers(0, len(centre_ra), n_stars)
    ra, dec = moved(centre_ra[clump], centre_dec[clump], *rng.normal(0, 4000, (2, n_stars)), 1.0)
    pm = rng.normal(0, 1, (2, n_stars)) * rng.choice([5.0, 100.0, 2500.0], n_stars, p=[0.7, 0.2, 0.1])
    rows = []
    for star in rng.permutation(np.repeat(np.arange(n_stars), 3)).tolist():
        survey = SURVEYS[rng.integers(0, len(SURVEYS))]
        years = EPOCHS[survey] - 2000.0
        error = rng.choice([0.0, 1.0, 300.0, 1500.0], p=[0.1, 0.3, 0.5, 0.1])
        off = pm[:, star] * years + rng.normal(0, 1, 2) * error
        place = moved(ra[star : star + 1], dec[star : star + 1], off[:1], off[1:], 1.0)
        rows.append(_row(rng, star, survey, (place[0][0], place[1][0]), pm[:, star], n_stars, wrong))
    return rows


def _row(
    rng: np.random.Generator,
    star: int,
    survey: str,
    place: tuple[float, float],
    pm: np.ndarray,
    n_stars: int,
    wrong: float,
) -> dict[str, Any]:
    def told(share: float) -> int:
        """The star, sometimes another one, 0 for none."""
        if rng.random() > share:
            return 0
        return 1 + int(rng.integers(0, n_stars) if rng.random() < wrong else star)

    dr3, dr2, tmass, named = told(0.4), told(0.3), told(0.4), told(0.5)
    moving = rng.random() < 0.5
    return {
        "survey": survey,
        "object_id": f"star {named}" if named else f"row {rng.integers(0, 2**40)}",
        "gaia_dr3": FIRST_GAIA + 128 * dr3 if dr3 else 0,
        "gaia_dr2": FIRST_GAIA + 128 * dr2 if dr2 else 0,
        "tmass": f"2M{tmass:06d}" if tmass else None,
        "ra": place[0],
        "dec": place[1],
        "epoch_jyear": EPOCHS[survey],
        "pm_ra_cosdec_masyr": float(np.float32(pm[0])) if moving else np.nan,
        "pm_dec_masyr": float(np.float32(pm[1])) if moving else np.nan,
        "g_mag": float(np.float32(rng.uniform(8, 16))) if rng.random() < 0.7 else np.nan,
    }
