"""Objects become stars by identifier, else by a position that nothing else shares."""

import numpy as np

from app.science.validation.identification import identify


def candidates(*rows):
    columns = list(zip(*rows, strict=True))
    return [np.array(column) for column in columns]


def found(*rows, radius_arcsec=2.0):
    return identify(*candidates(*rows), radius_arcsec=radius_arcsec)


def test_an_identifier_wins_over_a_position():
    one = found((1, 10, True, 0.0, False), (1, 11, False, 0.1, False), (2, 10, False, 0.2, False))
    assert (one.object_.tolist(), one.star.tolist()) == ([1], [10])
    assert (one.by_id, one.by_position) == (1, 0)


def test_a_position_counts_where_nothing_else_is_near():
    one = found((1, 10, False, 1.9, False), (2, 11, False, 2.1, False))
    assert (one.object_.tolist(), one.star.tolist(), one.by_position) == ([1], [10], 1)


def test_two_stars_or_two_objects_in_question_are_not_guessed():
    one = found(
        (1, 10, False, 0.1, False), (1, 11, False, 1.5, False), (2, 12, False, 0.1, False), (3, 12, False, 0.2, False)
    )
    assert len(one.star) == 0
    assert one.undecided == 3


def test_identifiers_that_differ_never_match_by_position():
    assert len(found((1, 10, False, 0.0, True)).star) == 0


def test_objects_come_out_in_order():
    one = found((9, 10, False, 0.1, False), (3, 11, True, 0.0, False), (5, 12, False, 0.1, False))
    assert one.object_.tolist() == [3, 5, 9]
    assert one.star.tolist() == [11, 12, 10]


def test_nothing_gives_nothing():
    empty = np.zeros(0, np.int64)
    nothing = identify(empty, empty, empty.astype(bool), empty.astype(float), empty.astype(bool), radius_arcsec=2.0)
    assert (len(nothing.star), nothing.undecided) == (0, 0)
