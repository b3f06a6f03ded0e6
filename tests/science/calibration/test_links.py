"""Which links teach: where enough references are sharp, the others are left aside; where they are few, all count."""

from dataclasses import replace

import numpy as np

from tests.support.links import REFERENCE_NOISE, invented_links


def mixed(n, *, noisy):
    """Return links of n stars, the last ones of which have references ten times as uncertain."""
    links = invented_links(n)
    error = np.tile(REFERENCE_NOISE, (n, 1)) * np.where(np.arange(n) < n - noisy, 1.0, 10.0)[:, None]
    return replace(links, reference_error=error)


def test_uncertain_references_are_left_aside_where_enough_are_sharp():
    sharp = mixed(1000, noisy=600).sharp(300)
    assert sharp.stars == 400
    assert (sharp.reference_error == REFERENCE_NOISE).all()


def test_all_links_count_where_too_few_are_sharp():
    links = mixed(1000, noisy=700)
    assert links.sharp(300) is links, "300 of which a fifth is for the test"
    assert mixed(1000, noisy=990).sharp(300).stars == 1000
    assert mixed(200, noisy=0).sharp(300).stars == 200
