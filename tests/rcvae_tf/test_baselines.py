import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.protocol import MAX_STEPS
from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.dataset import SplitData
from rcvae_tf.evaluation.baselines import (
    baselines,
    choose_k_and_weight,
    ecl_mean,
    global_mean,
    k_nearest_mean,
    nearest_label,
)


def split(values_by_label):
    """Samples whose every point of every signal is one value: `[(eol, ecl, value), ...]`."""
    values = np.array([value for *_, value in values_by_label], np.float32)
    curves = np.tile(values[:, None, None], (1, len(SIGNALS), 4))
    labels = np.array([label for *label, _ in values_by_label])
    cells = np.array([f"cell_{eol}" for eol, _ in labels])
    policies = np.zeros((len(labels), MAX_STEPS, 2), np.float32)
    return SplitData(pack(curves, 2, 2), labels, cells, policies, SIGNALS)


TRAIN = split([(500, 1, 1.0), (500, 3, 2.0), (800, 1, 3.0), (800, 3, 6.0)])


def first_points(curves):
    """One value a sample; all points and signals must agree on it."""
    assert list(curves) == list(SIGNALS)
    for values in curves.values():
        assert_allclose(values, np.broadcast_to(curves["voltage_v"][:, :1], values.shape))
    return curves["voltage_v"][:, 0]


def test_global_mean_is_one_curve_for_all():
    assert_allclose(first_points(global_mean(TRAIN)), [3.0])


def test_ecl_mean_is_over_all_cells_at_the_nearest_age():
    labels = np.array([[650, 1], [10_000, 9]])
    assert_allclose(first_points(ecl_mean(TRAIN, labels)), [2.0, 4.0])


def test_ecl_mean_takes_the_younger_age_on_a_tie():
    assert_allclose(first_points(ecl_mean(TRAIN, np.array([[650, 2]]))), [2.0])


def test_nearest_label_is_a_copy():
    labels = np.array([[600, 2], [700, 3], [800, 1]])
    # 600_2 is 90.1 away from both 500_1 and 500_3: the smaller index.
    assert_allclose(first_points(nearest_label(TRAIN, labels, 0.9)), [1.0, 6.0, 3.0])


def test_nearest_label_follows_its_weight():
    labels = np.array([[510, 3]])
    train = split([(500, 90, 1.0), (600, 3, 2.0)])
    assert_allclose(first_points(nearest_label(train, labels, 0.9)), [1.0])
    assert_allclose(first_points(nearest_label(train, labels, 0.1)), [2.0])


def test_nearest_label_copies_the_first_sample_of_its_condition():
    train = split([(800, 1, 5.0), (500, 1, 1.0), (500, 1, 2.0)])
    assert_allclose(first_points(nearest_label(train, np.array([[500, 1]]), 0.9)), [1.0])


@pytest.mark.parametrize(
    ("k", "expected"),
    # Distances of 600_1: 90, 90.2, 180, 180.2.
    [(1, 1.0), (2, 1.5), (3, 2.0), (4, 3.0), (16, 3.0)],
)
def test_k_nearest_mean_averages_the_nearest_samples(k, expected):
    curves = k_nearest_mean(TRAIN, np.array([[600, 1]]), k, 0.9)
    assert_allclose(first_points(curves), [expected])


def test_k_is_chosen_on_validation():
    # The mean of 500_1 and 500_3 is right; one neighbour is off by 0.5, more by more.
    validation = split([(500, 2, 1.5)])
    assert choose_k_and_weight(TRAIN, validation) == (2, 0.5)


def test_weight_is_chosen_on_validation():
    # 505_30 is to be like 500_1, which is nearer than 530_30 from a weight of 0.59 on.
    train = split([(500, 1, 1.0), (530, 30, 5.0)])
    assert choose_k_and_weight(train, split([(505, 30, 1.0)])) == (1, 0.7)


def test_baselines_say_how_they_were_set():
    labels = np.array([[600, 1], [800, 3]])
    rules = baselines(TRAIN, split([(500, 2, 1.5)]), labels, 0.8)
    assert {name: rule.setting for name, rule in rules.items()} == {
        "global_mean": {},
        "ecl_mean": {},
        "nearest_label": {"condition_weight": 0.8},
        "k_nearest_mean": {"k": 2, "condition_weight": 0.5},
    }
    values = {name: first_points(rule.curves) for name, rule in rules.items()}
    assert_allclose(values["global_mean"], [3.0])
    assert_allclose(values["ecl_mean"], [2.0, 4.0])
    assert_allclose(values["nearest_label"], [1.0, 6.0])
    assert_allclose(values["k_nearest_mean"], [1.5, 4.5])


def test_merged_validation_is_looked_up_but_k_is_chosen_without_it():
    # With 500_2 itself among the known samples one neighbour would be right.
    validation = split([(500, 2, 1.5)])
    rules = baselines(TRAIN, validation, np.array([[500, 2]]), 0.9, merge_validation=True)
    assert rules["k_nearest_mean"].setting == {"k": 2, "condition_weight": 0.5}
    assert_allclose(first_points(rules["nearest_label"].curves), [1.5])
    assert_allclose(first_points(rules["global_mean"].curves), [(1 + 2 + 3 + 6 + 1.5) / 5])
