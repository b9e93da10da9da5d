import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import SIGNALS
from rcvae_tf.evaluation.samples import choose_pictured, describe_samples, sample_errors
from rcvae_tf.test_samples import load_test_samples


def test_errors_of_a_sample_worked_by_hand():
    measured = {
        "voltage_v": np.array([[3.0, 3.5], [3.0, 3.0]]),
        "charge_capacity_ah": np.array([[0.0, 1.0], [0.0, 1.0]]),
    }
    generated = {
        "voltage_v": np.array([[3.5, 2.5], [3.0, 3.0]]),  # off by 0.5 and 1, then by nothing
        "charge_capacity_ah": np.array([[0.25, 1.25], [2.0, 1.0]]),  # 0.25 twice, then 2 and 0
    }
    mae = sample_errors(measured, generated, 1)
    assert_allclose(mae["voltage_v"], [0.75, 0.0])
    assert_allclose(mae["charge_capacity_ah"], [0.25, 1.0])
    mse = sample_errors(measured, generated, 2)
    assert_allclose(mse["voltage_v"], [0.625, 0.0])
    assert_allclose(mse["charge_capacity_ah"], [0.0625, 2.0])
    # One plane of voltage, three of capacity: weights 1/4 and 3/4.
    assert_allclose(mae["total"], [0.375, 0.75])
    assert_allclose(mse["total"], [0.203125, 1.5])


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_means_over_the_samples_are_the_errors_of_the_metrics(request, preset):
    run, metrics = request.getfixturevalue(f"{preset}_fit")
    samples = load_test_samples(run.directory.test_samples)
    for mode in ("reconstruct", "mean"):
        errors = metrics["modes"][mode]
        assert samples.mae[mode].keys() == samples.mse[mode].keys() == errors.keys()
        for name, values in errors.items():
            assert samples.mae[mode][name].shape == (6,)
            assert_allclose(samples.mae[mode][name].mean(), values["mae"], rtol=1e-6)
            assert_allclose(samples.mse[mode][name].mean() ** 0.5, values["rmse"], rtol=1e-6)


def test_curves_are_those_of_the_pictured_samples(dataset):
    test = dataset.test
    doubled = {name: 2.0 * values for name, values in test.curves.items()}
    samples = describe_samples(test, {"mean": doubled}, (4, 4), seed=0)
    assert_array_equal(samples.pictured, range(6))  # all of them, where they are few
    assert list(samples.measured) == list(samples.generated["mean"]) == list(SIGNALS)
    assert_array_equal(samples.measured["elapsed_time_s"], test.curves["elapsed_time_s"])
    assert_array_equal(samples.generated["mean"]["voltage_v"], doubled["voltage_v"])
    assert_array_equal(samples.labels, test.labels)
    assert_array_equal(samples.cell_ids, test.cell_ids)
    assert samples.grid == (4, 4)


def test_a_model_without_time_leaves_that_of_the_measured_charge(paper_run):
    samples = load_test_samples(paper_run.directory.test_samples)
    assert list(samples.measured) == list(SIGNALS)
    assert list(samples.generated["mean"]) == list(SIGNALS[:4])


def cells_and_ages(num_cells, num_cycles):
    cell_ids = np.repeat([f"c{k:03d}" for k in range(num_cells)], num_cycles)
    return cell_ids, np.tile(np.arange(1, num_cycles + 1), num_cells)


def test_pictured_samples_are_24_of_as_many_cells_and_of_all_ages():
    cell_ids, ecl = cells_and_ages(30, 100)
    rows = choose_pictured(cell_ids, ecl, seed=0)
    assert len(rows) == 24
    assert len(set(cell_ids[rows])) == 24
    # 24 equal steps over ages 1 to 100: the middle of each.
    assert_allclose(np.sort(ecl[rows]), 0.5 + 100 * (np.arange(24) + 0.5) / 24, atol=0.51)


def test_few_cells_have_equally_many_pictured_samples():
    cell_ids, ecl = cells_and_ages(6, 40)
    rows = choose_pictured(cell_ids, ecl, seed=0)
    assert np.unique(cell_ids[rows], return_counts=True)[1].tolist() == [4] * 6


def test_a_cell_that_runs_out_of_samples_leaves_its_turns_to_the_others():
    cell_ids, ecl = np.array(["a"] * 40 + ["b"]), np.arange(1, 42)
    rows = choose_pictured(cell_ids, ecl, seed=0)
    assert len(rows) == len(set(rows)) == 24
    assert 40 in rows


def test_pictured_samples_follow_the_seed():
    cell_ids, ecl = cells_and_ages(30, 100)
    first = choose_pictured(cell_ids, ecl, seed=1)
    assert_array_equal(choose_pictured(cell_ids, ecl, seed=1), first)
    assert np.any(choose_pictured(cell_ids, ecl, seed=2) != first)


def test_one_sample_alone_is_pictured():
    assert_array_equal(choose_pictured(np.array(["a"]), np.array([7]), seed=0), [0])
