import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.errors import DatasetError
from data_prep.protocol import MAX_STEPS
from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.dataset import SplitData
from rcvae_tf.evaluation import oracles
from rcvae_tf.evaluation.oracles import (
    cell_interpolation,
    policy_mean,
    same_age,
    sampler_metrics,
)
from rcvae_tf.evaluation.tree_baseline import extra_trees

POINTS = 4


def steps(rates):
    """Charge policies that differ in their rate; 0 is unknown."""
    return np.tile(np.array(rates, np.float32)[:, None, None], (1, MAX_STEPS, 2))


def split(rows, signals_present=SIGNALS):
    """Samples whose every point of every signal is one value: `[(cell, ecl, rate, value), ...]`."""
    cells, ages, rates, values = zip(*rows, strict=True)
    curves = np.tile(np.array(values, np.float32)[:, None, None], (1, len(SIGNALS), POINTS))
    labels = np.array([[500, age] for age in ages])
    return SplitData(pack(curves, 2, 2), labels, np.array(cells), steps(rates), signals_present)


# Two cells of 4 C at the same ages, one of 5 C at others, one of unknown policy.
TRAIN = split(
    [
        ("b", 9, 4, 8.0),
        ("a", 1, 4, 1.0),
        ("a", 3, 4, 2.0),
        ("a", 9, 4, 5.0),
        ("b", 1, 4, 3.0),
        ("b", 3, 4, 6.0),
        ("c", 2, 5, 20.0),
        ("c", 8, 5, 40.0),
        ("d", 5, 0, 100.0),
    ]
)


def first_points(curves):
    """One value a sample; all points and signals must agree on it."""
    assert list(curves) == list(SIGNALS)
    for values in curves.values():
        assert_allclose(values, np.broadcast_to(curves["voltage_v"][..., :1], values.shape))
    return curves["voltage_v"][..., 0]


def ages(*values):
    return np.array([[700, age] for age in values])


def test_a_known_cell_is_a_line_between_its_nearest_cycles():
    labels = ages(1, 2, 3, 6, 6, 5)
    cells = np.array(["a", "a", "b", "a", "b", "c"])
    # a: 1 at 1, 2 at 3, 5 at 9; b: 6 at 3, 8 at 9; c: 20 at 2, 40 at 8.
    expected = [1.0, 1.5, 6.0, 3.5, 7.0, 30.0]
    assert_allclose(first_points(cell_interpolation(TRAIN, labels, cells)), expected)


def test_a_known_cell_is_constant_before_its_first_and_after_its_last_cycle():
    curves = cell_interpolation(TRAIN, ages(1, 100, 7), np.array(["c", "c", "d"]))
    assert_allclose(first_points(curves), [20.0, 40.0, 100.0])


def test_a_cell_that_was_not_trained_on_cannot_be_interpolated():
    with pytest.raises(DatasetError, match="e: has no training cycles .* Use a sample split"):
        cell_interpolation(TRAIN, ages(1, 1), np.array(["a", "e"]))


def test_the_mean_of_a_policy_is_over_its_cells_at_that_age():
    curves = policy_mean(TRAIN, ages(1, 3, 9, 2, 7), steps([4, 4, 4, 5, 5]))
    assert_allclose(first_points(curves), [2.0, 4.0, 6.5, 20.0, 40.0])


def test_the_mean_of_a_policy_takes_the_younger_age_on_a_tie_and_the_nearest_beyond():
    curves = policy_mean(TRAIN, ages(2, 5, 50), steps([4, 5, 4]))
    assert_allclose(first_points(curves), [2.0, 20.0, 6.5])


def test_cells_of_unknown_policy_are_one_policy():
    assert_allclose(first_points(policy_mean(TRAIN, ages(1), steps([0]))), [100.0])


def test_of_a_policy_that_no_training_cell_has_all_cells_are_taken():
    # At 9: 5 and 8 of a and b, 40 of c, 100 of d.
    assert_allclose(first_points(policy_mean(TRAIN, ages(9), steps([7]))), [153 / 4])


def test_a_cell_without_that_age_is_taken_at_its_own_nearest_one():
    train = split([("a", 1, 4, 1.0), ("a", 4, 4, 2.0), ("b", 1, 4, 10.0)])
    assert_allclose(first_points(policy_mean(train, ages(4), steps([4]))), [6.0])


@pytest.mark.parametrize("at_once", [1, 2, 256])
def test_members_are_one_curve_of_each_cell_in_blocks_of_rows(monkeypatch, at_once):
    monkeypatch.setattr(oracles, "SAMPLES_AT_ONCE", at_once)
    found = np.full((5, 4), np.nan)
    for rows, members in same_age(TRAIN, ages(1, 8, 3, 2, 9), steps([4, 5, 4, 5, 4])):
        values = first_points(members)
        found[rows, : len(values)] = values.T
    nan = np.nan
    assert_allclose(
        found,
        [[1, 3, nan, nan], [40, nan, nan, nan], [2, 6, nan, nan], [20, nan, nan, nan]]
        + [[5, 8, nan, nan]],
    )


def test_members_of_no_policy_are_of_all_cells():
    ((rows, members),) = same_age(TRAIN, ages(3), None)
    assert list(rows) == [0]
    assert_allclose(first_points(members), [[2.0], [6.0], [20.0], [100.0]])


def test_the_sampler_of_a_policy_is_scored_on_its_cells():
    # Of 1 and 3: CRPS at 2 is 1 - 2 / 4; of 2 and 6 at 8: 4 - 4 / 4. One member: the distance.
    test = split([("x", 1, 4, 2.0), ("z", 2, 5, 21.0), ("y", 3, 4, 8.0)])
    metrics = sampler_metrics(TRAIN, test, with_policy=True)
    assert_allclose(list(metrics["crps"].values()), (0.5 + 3.0 + 1.0) / 3)
    assert_allclose(list(metrics["coverage_90"].values()), 1 / 3)
    assert_allclose(list(metrics["width_90"].values()), (2 + 4 + 0) / 3)


def test_the_order_of_the_charges_does_not_matter_to_the_sampler():
    rows = [("x", 1, 4, 2.0), ("z", 2, 5, 25.0), ("y", 1, 4, 4.0), ("z", 8, 5, 30.0)]
    rows += [("x", 9, 4, 7.0), ("z", 7, 5, 50.0)]
    metrics = [
        sampler_metrics(TRAIN, split(some), with_policy=True) for some in (rows, sorted(rows))
    ]
    assert_allclose(
        metrics[0]["spread_ratio"]["voltage_v"], metrics[1]["spread_ratio"]["voltage_v"]
    )


def test_the_sampler_without_policy_is_scored_on_all_cells():
    # 1, 3, 20, 100 at 2: (1 + 1 + 18 + 98) / 4 - 2 (2 + 19 + 99 + 17 + 97 + 80) / 32.
    metrics = sampler_metrics(TRAIN, split([("x", 1, 4, 2.0)]), with_policy=False)
    assert_allclose(metrics["crps"]["total"], 118 / 4 - 314 / 16)
    assert metrics["coverage_90"]["voltage_v"] == 1.0


def test_trees_give_back_what_they_were_grown_on():
    curves = extra_trees(TRAIN, TRAIN.labels, TRAIN.policy_steps, seed=1, num_trees=3)
    # Ages tell all but a from b at 1, 3 and 9, which share a leaf.
    assert_allclose(curves["voltage_v"][:, 2], [6.5, 2, 4, 6.5, 2, 4, 20, 40, 100])


def test_trees_follow_the_policy_where_they_are_told_it():
    train = split([("a", 1, 4, 1.0), ("b", 1, 5, 3.0)])
    told = extra_trees(train, ages(1, 1), steps([4, 5]), seed=1, num_trees=2)
    blind = extra_trees(train, ages(1, 1), None, seed=1, num_trees=2)
    assert_allclose(told["current_c_rate"][:, 0], [1.0, 3.0])
    assert_allclose(blind["current_c_rate"][:, 0], [2.0, 2.0])


def test_trees_are_those_of_a_forest_of_scikit_learn():
    ensemble = pytest.importorskip("sklearn.ensemble")
    labels, points = TRAIN.labels.astype(np.float32), TRAIN.curves["voltage_v"]
    forest = ensemble.ExtraTreesRegressor(7, random_state=5).fit(labels, points)
    wanted = ages(2, 4, 6, 11)
    curves = extra_trees(TRAIN, wanted, None, seed=5, num_trees=7)
    assert_allclose(curves["voltage_v"], forest.predict(wanted), rtol=1e-6)


def test_trees_give_the_signals_of_the_total():
    without = tuple(name for name in SIGNALS if name != "temperature_degc")
    train = split([("a", 1, 4, 1.0), ("a", 2, 4, 2.0)], without)
    curves = extra_trees(train, ages(1), None, seed=0, num_trees=1)
    assert list(curves) == ["voltage_v", "current_c_rate", "charge_capacity_ah"]
    assert all(values.shape == (1, POINTS) for values in curves.values())
