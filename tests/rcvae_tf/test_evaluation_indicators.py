import dataclasses
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcvae_tf.evaluation.indicators import CellFacts, cell_facts, indicator_metrics
from rcvae_tf.indicators import INDICATORS, indicators_of
from tests.rcvae_tf.indicators.builders import one_hour_at_1c

NAN = np.nan
SOH = "capacity_soh"


def everything(soh, shape=None):
    """All indicators NaN but for the SOH."""
    shape = shape or np.shape(soh)
    return {row.name: np.full(shape, NAN) for row in INDICATORS} | {SOH: np.array(soh, float)}


def compared(measured, mean, nearest=None, k_nearest=None, draws=None):
    nearest = measured if nearest is None else nearest
    k_nearest = measured if k_nearest is None else k_nearest
    draws = [measured] if draws is None else draws
    found = indicator_metrics(
        everything(measured),
        {
            "mean": everything(mean),
            "nearest_label": everything(nearest),
            "k_nearest_mean": everything(k_nearest),
        },
        everything(draws),
    )
    json.dumps(found, allow_nan=False)
    return found[SOH]


def test_errors_of_the_mean_charge_and_of_the_look_ups():
    found = compared([0.9, 1.0], [0.92, 0.99], nearest=[0.9, 0.9], k_nearest=[0.94, 1.06])
    assert found["measured_mean"] == pytest.approx(0.95)
    assert found["measured_spread"] == pytest.approx(0.05)
    assert found["mae"] == pytest.approx(
        {"mean": 0.015, "nearest_label": 0.05, "k_nearest_mean": 0.05}
    )
    assert found["bias"] == pytest.approx(0.005)


def test_errors_are_those_of_the_same_charges_and_others_are_counted():
    found = compared([0.9, 1.0, 0.8, NAN], [0.91, NAN, 0.83, 0.9], nearest=[0.92, 1.0, NAN, 1.0])
    # The first alone is valid everywhere.
    assert found["mae"] == pytest.approx(
        {"mean": 0.01, "nearest_label": 0.02, "k_nearest_mean": 0.0}
    )
    assert found["charges"] == {"all": 4, "measured": 3, "mean": 3, "compared": 1}
    assert found["measured_mean"] == pytest.approx(0.9)


def test_where_nothing_can_be_compared_there_is_no_error():
    found = compared([0.9, 1.0], [NAN, NAN], draws=[[NAN, NAN]])
    assert found["mae"] == {"mean": None, "nearest_label": None, "k_nearest_mean": None}
    assert found["bias"] is None
    assert found["coverage_90"] is None
    assert found["draws"] == 0.0


def test_an_indicator_that_was_never_measured_is_left_out():
    found = indicator_metrics(
        everything([0.9]),
        dict.fromkeys(("mean", "nearest_label", "k_nearest_mean"), everything([0.9])),
        everything([[0.9]]),
    )
    assert list(found) == [SOH]


def test_interval_of_19_draws_lies_between_the_first_and_the_last():
    # Place 0.05 x 20 is the first, 0.95 x 20 the nineteenth.
    draws = np.linspace(0.81, 0.99, 19)[:, None].repeat(4, axis=1)
    measured = [0.809, 0.811, 0.989, 0.991]
    found = compared(measured, measured, draws=draws)
    assert found["coverage_90"] == pytest.approx(0.5)


def test_interval_of_39_draws_leaves_one_out_on_either_side():
    draws = np.linspace(0.01, 0.39, 39)[:, None].repeat(4, axis=1)
    measured = [0.0199, 0.0201, 0.3799, 0.3801]
    assert compared(measured, measured, draws=draws)["coverage_90"] == pytest.approx(0.5)


def test_draws_that_are_not_valid_are_not_in_the_interval():
    # Of both columns 19 draws are left, in any order; the second has one too few to count.
    valid = np.linspace(0.81, 0.99, 19)
    first = np.concatenate([valid[::-1], np.full(19, NAN)])
    second = np.concatenate([[NAN], valid[:-1], np.full(19, NAN)])
    measured = [0.989, 5.0]
    found = compared(measured, measured, draws=np.stack([first, second], axis=1))
    assert found["coverage_90"] == 1.0
    assert found["draws"] == pytest.approx(37 / 76)


def test_a_single_draw_covers_nothing_but_itself():
    assert compared([0.9, 0.9], [0.9, 0.9], draws=[[0.9, 0.91]])["coverage_90"] == 0.5


def test_draws_of_the_truth_cover_nine_tenths():
    values = np.random.default_rng(0).normal(0.9, 0.02, (51, 4000))
    found = compared(values[0], values[0], draws=values[1:])
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.015)


def test_facts_are_those_of_the_cell_of_each_sample(dataset):
    cells = {
        "made_0": {"nominal_capacity_ah": 1.1, "max_voltage_v": 3.6},
        "made_1": {"nominal_capacity_ah": 2.2, "max_voltage_v": None},
    }
    card = dataclasses.replace(dataset.card, cells=cells)
    facts = cell_facts(card, np.array(["made_1", "made_0", "made_2"]))
    assert_array_equal(facts.nominal_capacity_ah, [2.2, 1.1, NAN])
    assert_array_equal(facts.max_voltage_v, [NAN, 3.6, NAN])
    assert_array_equal(facts.rows(slice(1, 2)).nominal_capacity_ah, [1.1])


def test_draws_have_the_indicators_of_their_own_sample():
    curves = one_hour_at_1c()
    shares = np.array([[1.0, 0.9, 0.8], [0.7, 0.6, 0.5]])[..., None]  # draws, samples
    draws = {name: values[None] * np.ones((2, 3, 1)) for name, values in curves.items()}
    draws["charge_capacity_ah"] = draws["charge_capacity_ah"] * shares
    facts = CellFacts(np.array([1.1, 2.2, 1.1]), np.array([4.2, 4.2, 4.2]))
    found = facts.indicators_of_draws(draws)
    np.testing.assert_allclose(found[SOH], [[1.0, 0.45, 0.8], [0.7, 0.3, 0.5]])
    alone = indicators_of({name: v[1, :1] for name, v in draws.items()}, 1.1, 4.2)
    for name, values in found.items():
        np.testing.assert_allclose(values[1, 0], alone[name][0])
