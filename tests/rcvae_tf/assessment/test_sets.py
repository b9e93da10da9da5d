"""How charges are dealt, and what regressors and distances see of them."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.assessment.charges import ChargeSet
from rcvae_tf.assessment.ensembles import own_neighbours
from rcvae_tf.assessment.halves import exchangeable_halves
from rcvae_tf.assessment.inputs import (
    bends,
    comparable,
    points,
    throughput_at,
    whole_charge_means,
    window_means,
)


def test_halves_are_pairs_of_one_cell_and_neighbouring_age():
    cell_ids = np.array(["b", "a", "a", "b", "a", "a", "a"])
    ecl = np.array([1, 40, 10, 2, 30, 20, 50])
    first, second = exchangeable_halves(cell_ids, ecl, np.random.default_rng(0))
    pairs = {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    # Ages 10 and 20, 30 and 40 of a, 1 and 2 of b; 50 is left over.
    assert pairs == {frozenset({2, 5}), frozenset({4, 1}), frozenset({0, 3})}


def test_a_coin_says_which_half_the_younger_one_goes_to():
    cell_ids, ecl = np.repeat("a", 2000), np.arange(2000)
    first, second = exchangeable_halves(cell_ids, ecl, np.random.default_rng(0))
    assert 440 < np.sum(first < second) < 560


def test_window_means_of_a_ramp_are_its_values_in_the_middle_of_each_stretch():
    time_s = np.linspace(0.0, 320.0, 65)[None]
    curves = {
        "voltage_v": 3.0 + time_s / 1000,
        "charge_capacity_ah": 99 * time_s,
        "elapsed_time_s": time_s,
    }
    found = window_means(curves, 160.0)
    assert_allclose(found, 3.0 + (np.arange(16) + 0.5)[None] / 100)


def test_what_comes_after_the_window_changes_nothing():
    time_s = np.linspace(0.0, 320.0, 65)[None]
    curves = {"voltage_v": np.ones((1, 65)), "elapsed_time_s": time_s}
    later = {**curves, "voltage_v": np.where(time_s > 165.0, 7.0, 1.0)}
    assert_array_equal(window_means(later, 160.0), window_means(curves, 160.0))


def test_a_charge_shorter_than_the_window_holds_its_last_value():
    curves = {"v": np.array([[1.0, 1.0, 5.0]]), "elapsed_time_s": np.array([[0.0, 4.0, 8.0]])}
    found = window_means(curves, 16.0)
    assert_allclose(found[0, :4], 1.0)
    assert_allclose(found[0, 8:], 5.0)


def test_throughput_at_a_time_counts_from_the_first_point():
    curves = {
        "charge_capacity_ah": np.array([[0.5, 1.5]]),
        "elapsed_time_s": np.array([[0.0, 100.0]]),
    }
    assert_allclose(throughput_at(curves, 25.0), [0.25])


def test_whole_charge_means_end_with_the_duration():
    curves = {
        "voltage_v": np.arange(32.0)[None],
        "elapsed_time_s": np.linspace(0.0, 9.0, 32)[None],
    }
    assert_allclose(whole_charge_means(curves)[0], [*np.arange(0.5, 32, 2), 9.0])


def test_bends_of_a_parabola_are_constant_and_points_hold_the_duration():
    curves = {"voltage_v": np.array([[0.0, 1.0, 4.0, 9.0]]), "elapsed_time_s": np.array([[0, 6.0]])}
    assert_array_equal(bends(curves), [[2.0, 2.0]])
    assert_array_equal(points(curves), [[0.0, 1.0, 4.0, 9.0, 6.0]])


def test_distances_count_every_signal_alike():
    rng = np.random.default_rng(0)
    curves = {"a": rng.normal(size=(50, 8)), "b": 1e4 + 1e3 * rng.normal(size=(50, 8))}
    scales = comparable(curves)
    # One spread away in every point of every signal is a distance of 1.
    moved = {name: values + scales.spreads[name] for name, values in curves.items()}
    assert_allclose(np.linalg.norm(scales.vectors(moved) - scales.vectors(curves), axis=1), 1.0)


def test_a_signal_that_does_not_vary_is_not_divided_by_zero():
    curves = {"a": np.ones((3, 4))}
    assert_array_equal(comparable(curves).vectors(curves), np.zeros((3, 4)))


def charges(cell_ids, ecl):
    labels = np.stack([np.full(len(ecl), 500), ecl], axis=1)
    curves = {"v": np.asarray(ecl, float)[:, None]}
    return ChargeSet(curves, labels, np.array(cell_ids), np.zeros((len(ecl), 6, 2)))


def test_own_neighbours_are_of_the_cell_and_next_in_age_as_many_as_the_poorest_has():
    others = charges(["a", "a", "a", "b", "b"], [1, 5, 9, 5, 6])
    found = own_neighbours(others, charges(["a", "b"], [6, 1]))
    assert_array_equal(found["v"][..., 0], [[5.0, 5.0], [9.0, 6.0]])
