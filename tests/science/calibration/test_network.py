"""Weak surveys come in through every path at once, with errors that hold, and the reference does not move."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app.science.calibration.network import NetworkSettings, fit_network
from app.science.calibration.network_report import network_metrics, zero_point_metrics
from app.science.calibration.network_scale import ScaleError
from tests.support.networks import NOISE, Weak, weak_sky

OFFSET_A, OFFSET_B, OFFSET_C = (60.0, -0.15, 0.08), (-40.0, 0.2, -0.05), (25.0, 0.05, 0.1)
SEEDS = range(24)


def triangle(seed, **changes):
    """A has 30 stars of the scale, B 8 of its own and 60 with A that the scale does not know."""
    rest = np.arange(100, 160)
    surveys = {
        "a": Weak(OFFSET_A, np.concatenate([np.arange(30), rest])),
        "b": Weak(OFFSET_B, np.concatenate([np.arange(40, 48), rest])),
    }
    surveys = {name: replace(weak, **changes) for name, weak in surveys.items()}
    return (*weak_sky(surveys, np.arange(50), seed=seed), surveys)


def corrections(network, surveys, truth, name):
    """Return fitted and true mean bias at the survey's stars, and the stated error of the mean."""
    s = network.names.index(name)
    features = network.features_of(s)
    stars = network.table.stars[network.table.star[network.table.survey == s]]
    fitted = np.array([fit.used.typical[s] @ fit.used.theta for fit in network.parameters])
    assert fitted == pytest.approx(network.bias(name, features)[0].mean(axis=0))
    return fitted, surveys[name].bias(truth[stars]).mean(axis=0), np.sqrt(network.zero_points[:, s, s])


@pytest.fixture(scope="module")
def many():
    """Pulls of the zero points of A and B over many skies, and their stated errors, (seeds, 2, 3) each."""
    pulls, errors = [], []
    for seed in SEEDS:
        frames, scale, truth, surveys = triangle(seed)
        network = fit_network(frames, scale, NetworkSettings())
        rows = [corrections(network, surveys, truth, name) for name in ("a", "b")]
        pulls.append([(fitted - true) / error for fitted, true, error in rows])
        errors.append([error for _, _, error in rows])
    return np.array(pulls), np.array(errors)


def test_zero_points_are_recovered_with_pulls_of_unit_width(many):
    pulls, _ = many
    number = pulls.size / 2  # A and B share stars: half of the pulls count as independent
    assert abs(pulls.mean()) < 3 / np.sqrt(number)
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=3 / np.sqrt(2 * number))


def test_the_network_says_more_than_direct_links(many):
    _, errors = many
    direct = np.hypot(NOISE, [25.0, 0.04, 0.02]) / np.sqrt(8)
    assert (np.median(errors[:, 1], axis=0) < 0.75 * direct).all()


def test_slopes_are_found_where_there_are_any_and_only_there():
    many = np.arange(400)
    surveys = {
        "sloped": Weak(OFFSET_A, many, slope=(0.08, 0.12, -0.2)),
        "flat": Weak(OFFSET_B, many),
    }
    frames, scale, truth = weak_sky(surveys, many, seed=5)
    network = fit_network(frames, scale, NetworkSettings())
    levels = np.array([fit.level for fit in network.parameters])
    assert (levels[:, 0] == 1).all()
    assert (levels[:, 1] == 0).sum() >= 2
    for name, weak in surveys.items():
        value, variance = network.bias(name, truth)
        pull = (value - weak.bias(truth)) / np.sqrt(variance)
        assert np.sqrt(np.mean(pull**2)) < 1.6


def test_a_slope_is_not_made_of_the_noise_of_the_scale():
    stars = np.arange(300)
    frames, scale, truth = weak_sky({"a": Weak(OFFSET_A, stars)}, stars, seed=8)
    rng = np.random.default_rng(9)
    cluster = np.where([True, True, False], truth, 0.0)  # one cluster: the scale's [Fe/H] is nothing but noise
    noisy = type(scale).of(scale.stars)
    error = np.array([25.0, 0.04, 0.10])
    noisy.add(stars, cluster + error * rng.normal(size=truth.shape), np.tile(error, (300, 1)), np.ones((300, 3), bool))
    frame = replace(frames["a"], reported=cluster + np.array(OFFSET_A) + NOISE * rng.normal(size=truth.shape))
    network = fit_network({"a": frame}, noisy, NetworkSettings())
    ends = network.bias("a", np.array([[4700.0, 2.1, -0.1], [4700.0, 2.1, 0.1]]))[0][:, 2]
    assert abs(ends[1] - ends[0]) < 0.04  # the naive slope would make it -0.2


def test_a_survey_that_shares_no_star_with_the_scale_comes_in_through_others():
    surveys = {
        "a": Weak(OFFSET_A, np.arange(0, 120)),
        "b": Weak(OFFSET_B, np.arange(60, 200)),
        "c": Weak(OFFSET_C, np.arange(120, 220)),
    }
    frames, scale, truth = weak_sky(surveys, np.arange(60), seed=11)
    network = fit_network(frames, scale, NetworkSettings())
    assert network.refused == {}
    sizes = []
    for name in surveys:
        fitted, true, error = corrections(network, surveys, truth, name)
        assert (np.abs(fitted - true) < 3.5 * error).all()
        sizes.append(error)
    assert (sizes[0] < sizes[1]).all()
    assert (sizes[1] < sizes[2]).all()
    assert network.zero_points[2, 1, 2] > 0


def test_the_reference_never_moves():
    frames, scale, _, _ = triangle(3)
    before = [part.copy() for part in scale.at(scale.stars)]
    alone = fit_network({"a": frames["a"]}, scale, NetworkSettings())
    spoiled = replace(frames["b"], reported=frames["b"].reported + np.array([500.0, 1.0, 1.0]))
    both = fit_network({"a": frames["a"], "b": spoiled}, scale, NetworkSettings())
    for now, then in zip(scale.at(scale.stars), before, strict=True):
        assert np.array_equal(now, then, equal_nan=True)
    # A's own links to the scale hold it, whatever B says on stars that only the two have seen.
    moved = [both.bias("a", both.features_of(0))[0].mean(axis=0), alone.bias("a", alone.features_of(0))[0].mean(axis=0)]
    error = np.sqrt(alone.zero_points[:, 0, 0])
    assert (np.abs(moved[0] - moved[1]) < 2 * error).all()


def test_test_stars_change_nothing():
    frames, scale, _, _ = triangle(4)
    marked = {name: replace(frame, split=np.where(frame.star % 4 == 0, 2, 0)) for name, frame in frames.items()}
    wild = {
        name: replace(frame, reported=frame.reported + 1000.0 * (frame.split == 2)[:, None])
        for name, frame in marked.items()
    }
    one, other = (fit_network(part, scale, NetworkSettings()) for part in (marked, wild))
    assert np.array_equal(one.coefficients("b", 0), other.coefficients("b", 0))


def test_the_scale_s_own_uncertainty_is_common_to_all():
    frames, scale, _, _ = triangle(6)
    shares = np.ones((len(scale.stars), 3, 1))
    doubt = ScaleError(("strong",), scale.stars, shares, np.array([[[100.0]], [[4e-4]], [[1e-4]]]))
    plain = fit_network(frames, scale, NetworkSettings())
    doubtful = fit_network(frames, scale, NetworkSettings(), scale_error=doubt)
    added = doubtful.zero_points - plain.zero_points
    for p, variance in enumerate((100.0, 4e-4, 1e-4)):
        assert added[p] == pytest.approx(np.full((2, 2), variance), rel=0.15)
    stored = zero_point_metrics(doubtful, doubt)
    assert stored["surveys"] == ["strong", "a", "b"]
    assert np.array(stored["teff"])[0] == pytest.approx([100.0] * 3, rel=0.15)
    assert np.array(stored["feh"])[1:, 1:] == pytest.approx(doubtful.zero_points[2])


def test_a_survey_with_three_links_is_refused_with_counts_and_paths():
    frames, scale, _, _ = triangle(2)
    thin, _, _ = weak_sky({"thin": Weak(OFFSET_C, np.array([0, 1, 45]))}, np.arange(50), seed=2)
    network = fit_network(frames | thin, scale, NetworkSettings())
    assert network.names == ("a", "b")
    reason = network.refused["thin"]
    assert "3 stars in common with the scale" in reason
    assert "2 with a, 1 with b" in reason
    assert "5 are needed" in reason


def test_links_through_a_weak_survey_count_for_what_they_are_worth():
    surveys = {"a": Weak(OFFSET_A, np.arange(0, 30)), "far": Weak(OFFSET_C, np.arange(24, 60))}
    frames, scale, _ = weak_sky(surveys, np.arange(6), seed=2)
    network = fit_network(frames, scale, NetworkSettings(fewest_effective=3.5))
    assert "a" in network.names
    assert "are worth" in network.refused["far"]
    assert "6 with a" in network.refused["far"]


def test_a_version_tells_of_its_network_in_json():
    frames, scale, truth, _ = triangle(2)
    network = fit_network(frames, scale, NetworkSettings())
    number = np.arange(50)
    all_used = np.ones((50, 3), dtype=bool)
    values = {"strong": (number, truth[:50], np.tile([25.0, 0.04, 0.02], (50, 1)), all_used)}
    for name, frame in frames.items():
        bias, variance = network.bias(name, truth[frame.star])
        values[name] = (frame.star, frame.reported - bias, np.sqrt(variance + NOISE**2), frame.used)
    report = json.loads(json.dumps(network_metrics(network, values, ("strong",)), allow_nan=False))
    assert report["surveys"]["b"]["direct_stars"] == 8
    assert report["surveys"]["b"]["teff"]["effective_links"] > 8
    paths = {node["survey"]: node for node in report["teff"]["paths"]}
    assert paths["b"]["network"] < paths["b"]["direct"]
    assert all(abs(shift["pull"]) < 4 for shift in report["feh"]["audit"])
    assert {(test["survey"], test["other"]) for test in report["logg"]["leave_one_link_out"]} == {
        ("a", "strong"),
        ("b", "strong"),
        ("b", "a"),
    }


def test_without_a_path_to_the_scale_there_is_nothing():
    surveys = {"a": Weak(OFFSET_A, np.arange(20)), "b": Weak(OFFSET_B, np.arange(20))}
    frames, scale, _ = weak_sky(surveys, np.arange(30, 40), seed=2)
    network = fit_network(frames, scale, NetworkSettings())
    assert network.names == ()
    assert "0 stars on paths to the scale" in network.refused["a"]
    assert set(network.refused) == {"a", "b"}
