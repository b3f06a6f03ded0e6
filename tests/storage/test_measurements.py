from __future__ import annotations

import threading

import numpy as np
import pytest

from app.domain.errors import ConflictError
from app.storage import measurements, surveys
from app.storage.engine import Database
from tests.support.descriptors import toy


def test_numbers_are_given_once_whoever_asks(database: Database) -> None:
    taken: list[np.ndarray] = []

    def take() -> None:
        for _ in range(20):
            with database.begin() as connection:
                taken.append(measurements.take_numbers(connection, 100))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = np.concatenate(taken)
    assert len(np.unique(together)) == len(together) == 6_000
    assert all(np.array_equal(block, np.arange(block[0], block[0] + 100)) for block in taken)


def test_a_survey_keeps_its_number(database: Database) -> None:
    with database.begin() as connection:
        first = surveys.ensure(connection, toy())
        other = surveys.ensure(connection, toy(**{'name = "toy"': 'name = "toy_b"'}))
        assert [surveys.ensure(connection, toy()) for _ in range(3)] == [first] * 3
        last = surveys.ensure(connection, toy(**{'name = "toy"': 'name = "toy_c"'}))
    assert [other - first, last - first] == [1, 2]


def test_a_position_off_the_sky_is_stopped_by_the_table(database: Database) -> None:
    with pytest.raises(ConflictError, match="ck_measurement_ra_in_range"), database.begin() as connection:
        partition = measurements.open_partition(connection, surveys.ensure(connection, toy()), "toy")
        columns = {
            "row_number": np.array([1]),
            "object_id": np.array(["a"]),
            "ra": np.array([360.0]),
            "dec": np.zeros(1),
            "epoch_jyear": np.full(1, 2000.0),
            "excluded": np.zeros(1, int),
            "failed_cuts": np.zeros(1, int),
        }
        measurements.append(connection, partition, 1, columns)
