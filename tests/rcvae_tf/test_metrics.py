import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.records import SIGNALS
from rcvae_tf.evaluation.metrics import latent_summary, mae, r2, rmse, signal_errors, skill

X = np.array([[0.0, 1.0], [2.0, 3.0]])
X_GENERATED = np.array([[1.0, 1.0], [0.0, 3.0]])


def curves_with_errors(errors):
    """Measured zeros, and ten generated points a signal with the MAE and the RMSE given.

    One point at mae + 3 s and nine at mae - s / 3 have the mean mae and the variance s^2.
    """
    generated = {}
    for name, (mean, root) in errors.items():
        s = (root**2 - mean**2) ** 0.5
        generated[name] = np.array([[mean + 3 * s, *[mean - s / 3] * 9]])
    return {name: np.zeros((1, 10)) for name in errors}, generated


def test_mae_worked_by_hand():
    assert_allclose(mae(X, X_GENERATED), (1 + 0 + 2 + 0) / 4)


def test_rmse_worked_by_hand():
    assert_allclose(rmse(X, X_GENERATED), ((1 + 0 + 4 + 0) / 4) ** 0.5)


def test_r2_worked_by_hand():
    # variance of 0, 1, 2, 3 is 1.25, and so is the mean squared error
    assert_allclose(r2(X, X_GENERATED), 0.0, atol=1e-12)
    assert r2(X, X) == 1.0
    assert r2(np.ones((2, 2)), X) == 0.0


def test_errors_of_float32_are_summed_in_double_precision():
    x = np.full((1000, 1000), 1.0, np.float32)
    assert_allclose(mae(x, np.float32(0.9)), 1.0 - np.float64(np.float32(0.9)), rtol=1e-12)


def test_one_curve_is_compared_with_every_sample():
    errors = signal_errors({"voltage_v": X}, {"voltage_v": np.array([[1.0, 2.0]])})
    assert_allclose(errors["voltage_v"]["mae"], 1.0)
    assert_allclose(errors["total"]["mae"], 1.0)


def test_total_counts_the_capacity_three_times_and_the_time_never():
    names = dict.fromkeys(SIGNALS, np.zeros((1, 2)))
    generated = {
        name: np.full((1, 2), error)
        for name, error in zip(SIGNALS, (0.1, 0.2, 0.3, 0.4, 50.0), strict=True)
    }
    errors = signal_errors(names, generated)
    assert_allclose(errors["elapsed_time_s"]["mae"], 50.0)
    assert_allclose(errors["total"]["mae"], (0.1 + 0.2 + 0.3 + 3 * 0.4) / 6)
    assert_allclose(errors["total"]["rmse"], ((0.01 + 0.04 + 0.09 + 3 * 0.16) / 6) ** 0.5)


def test_signals_that_are_not_generated_have_no_error():
    errors = signal_errors({"voltage_v": X, "elapsed_time_s": X}, {"voltage_v": X})
    assert list(errors) == ["voltage_v", "total"]


def test_the_first_column_of_table_1_agrees():
    measured, generated = curves_with_errors(
        {
            "voltage_v": (0.023, 0.044),
            "current_c_rate": (0.286, 0.686),
            "temperature_degc": (0.404, 0.753),
            "charge_capacity_ah": (0.021, 0.039),
        }
    )
    total = signal_errors(measured, generated)["total"]
    assert_allclose(total["mae"], 0.129, atol=6e-4)
    assert_allclose(total["rmse"], 0.4172, atol=5e-5)


@pytest.mark.parametrize("early_cycles", [20, 40, 60, 80, 100])
def test_totals_of_table_1_follow_from_its_signals(paper_table_1, early_cycles):
    errors = {name: paper_table_1[early_cycles, name] for name in SIGNALS[:4]}
    total = signal_errors(*curves_with_errors(errors))["total"]
    paper_mae, paper_rmse = paper_table_1[early_cycles, "total"]
    # Half a digit of the paper's total and of its entries.
    assert_allclose(total["mae"], paper_mae, rtol=0, atol=6e-4)
    # The paper's RMSE is always a little larger: see docs/decisions/0001.
    assert 0.0 < paper_rmse - total["rmse"] < 0.002


def test_skill_is_the_share_of_the_reference_error_that_is_gone():
    errors = {"voltage_v": {"mae": 0.02}, "total": {"mae": 0.3}, "current_c_rate": {"mae": 0.1}}
    reference = {"voltage_v": {"mae": 0.08}, "total": {"mae": 0.2}, "current_c_rate": {"mae": 0.0}}
    result = skill(errors, reference)
    assert list(result) == ["voltage_v", "total"]
    assert_allclose([result["voltage_v"], result["total"]], [0.75, -0.5])


def test_an_active_unit_has_a_mean_that_varies():
    # variances over the samples: 1, 0.0081 (below the bound) and 0.04
    z_mean = np.array([[1.0, 0.09, 3.2], [-1.0, -0.09, 2.8]])
    summary = latent_summary(np.array([0.5, 0.0, 2.0]), z_mean)
    assert summary == {"kl_per_dim": [0.5, 0.0, 2.0], "active_units": 2}
