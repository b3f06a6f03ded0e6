"""What is wrong with a network is found, where it is; what the graph says is what the fit says."""

import numpy as np
import pytest
from scipy import stats

from app.science.calibration.network_audit import audit, leave_one_link_out
from app.science.calibration.network_graph import effective_resistance, laplacian, mesh, survey_graph
from app.science.calibration.network_sightings import sightings

NAMES = ("anchor", "b", "c", "d", "e", "f", "g", "h")
PAIRS = [(a, b) for a in range(8) for b in range(a)]
NOISE = 0.05


def network(seed, *, stars=12, shifts=(0.0,) * 8, wrong=0.0, link=(2, 1), big=60):
    """Return sightings of eight surveys, each two with stars of their own; `wrong` is added to one side of `link`."""
    rng = np.random.default_rng(seed)
    columns = {name: ([], [], []) for name in NAMES}
    number = 0
    for pair in PAIRS:
        count = big if pair == link else stars
        star = np.arange(number, number + count)
        truth = rng.normal(0, 0.3, count)
        number += count
        for side in pair:
            value = (
                truth + shifts[side] + rng.normal(0, NOISE, count) + (wrong if (pair, side) == (link, link[0]) else 0)
            )
            for column, part in zip(columns[NAMES[side]], (star, value, np.full(count, NOISE)), strict=True):
                column.append(part)
    return sightings({name: tuple(map(np.concatenate, parts)) for name, parts in columns.items()}, ("anchor",))


def test_shifts_of_all_surveys_are_found_with_their_errors():
    shifts = (0.0, 0.1, -0.05, 0.02, 0.0, 0.0, 0.05, -0.1)
    pulls = []
    for seed in range(40):
        found = audit(network(seed, shifts=shifts))
        assert [shift.survey for shift in found] == list(NAMES[1:])
        pulls.append([(shift.shift - true) / shift.error for shift, true in zip(found, shifts[1:], strict=True)])
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)
    assert abs(np.mean(pulls)) < 0.4


def test_a_claimed_error_counts_in_the_pull():
    [plain, *_] = audit(network(1, shifts=(0, 0.1, 0, 0, 0, 0, 0, 0)))
    [claimed, *_] = audit(network(1, shifts=(0, 0.1, 0, 0, 0, 0, 0, 0)), np.full(8, 0.1))
    assert claimed.pull == pytest.approx(plain.shift / np.hypot(plain.error, 0.1))


def test_a_link_predicted_from_the_others_has_pulls_of_unit_width():
    pulls = [test.pull for seed in range(15) for test in leave_one_link_out(network(seed))]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)


def test_leaving_one_link_out_finds_an_error_more_often_than_the_loops_do():
    """0.05 dex on one link: by its own pull (5 % false alarms over all links), and by chi2 of all loops (5 %)."""
    limit = stats.norm.isf(0.025 / len(PAIRS))
    by_link, by_loops, alarms = 0, 0, 0
    for seed in range(30):
        tests = leave_one_link_out(network(seed, wrong=0.05))
        worst = max(tests, key=lambda test: abs(test.pull))
        by_link += abs(worst.pull) > limit and (worst.survey, worst.other) == (NAMES[2], NAMES[1])
        by_loops += loop_chi2(tests) > stats.chi2.isf(0.05, len(PAIRS) - len(NAMES) + 1)
        alarms += max(abs(test.pull) for test in leave_one_link_out(network(1000 + seed))) > limit
    assert by_link > by_loops
    assert by_link > 10
    assert alarms <= 6


def loop_chi2(tests):
    """Return chi2 of the links' mean differences against the best constants of the surveys."""
    place = {name: k for k, name in enumerate(NAMES)}
    rows = np.zeros((len(tests), len(NAMES)))
    for k, test in enumerate(tests):
        rows[k, place[test.survey]], rows[k, place[test.other]] = 1.0, -1.0
    weight = np.array([1.0 / test.observed_error for test in tests])
    observed = np.array([test.observed for test in tests])
    constants, *_ = np.linalg.lstsq(rows[:, 1:] * weight[:, None], observed * weight, rcond=None)
    return float(np.sum(np.square((observed - rows[:, 1:] @ constants) * weight)))


def test_a_link_without_another_path_is_not_predicted():
    rng = np.random.default_rng(1)
    star = np.arange(20)
    values = {name: (star, rng.normal(0, 0.1, 20), np.full(20, 0.1)) for name in ("anchor", "b")}
    [test] = leave_one_link_out(sightings(values, ("anchor",)))
    assert np.isnan(test.predicted)
    assert test.stars == 20
    assert np.isfinite(test.observed)


def test_effective_resistance_is_the_variance_of_the_common_fit():
    seen = network(3)
    solution = seen.fitted()
    table = np.zeros((seen.stars, len(NAMES)))
    table[seen.star, seen.survey] = solution.weight
    resistance = effective_resistance(mesh(table))
    assert resistance[0, 1:] == pytest.approx(np.diag(solution.covariance), rel=1e-6)
    assert [node.network**2 for node in survey_graph(seen).nodes] == pytest.approx(resistance[0, 1:], rel=1e-6)


def test_resistances_in_series_and_in_parallel():
    chain = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 4.0], [0.0, 4.0, 0.0]])
    assert effective_resistance(chain)[0] == pytest.approx([0.0, 0.5, 0.75])
    assert laplacian(chain).sum(axis=1) == pytest.approx(np.zeros(3))


def test_all_paths_together_say_more_than_the_best_and_the_best_more_than_few_direct_stars():
    rng = np.random.default_rng(4)

    def pair(start, count):
        star = np.arange(start, start + count)
        return star, rng.normal(0, 0.3, count)

    columns = {"anchor": [], "bridge": [], "other": [], "weak": []}
    start = 0
    for names, count in ((("anchor", "bridge"), 90), (("anchor", "other"), 40), (("weak", "bridge"), 60),
                         (("weak", "other"), 30), (("weak", "anchor"), 8)):  # fmt: skip
        star, truth = pair(start, count)
        start += count
        for name in names:
            columns[name].append((star, truth + rng.normal(0, NOISE, count), np.full(count, NOISE)))
    values = {name: tuple(map(np.concatenate, zip(*parts, strict=True))) for name, parts in columns.items()}
    graph = survey_graph(sightings(values, ("anchor",)))
    node = next(node for node in graph.nodes if node.survey == "weak")
    assert node.network < node.best_path < node.direct
    assert node.path == ("weak", "bridge", "scale")
    assert sum(node.shares.values()) == pytest.approx(1.0)
    assert max(node.shares, key=node.shares.get) == "bridge"
    assert {(edge.survey, edge.other, edge.stars) for edge in graph.edges} >= {("weak", "anchor", 8)}
