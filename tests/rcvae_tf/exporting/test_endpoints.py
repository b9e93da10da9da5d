"""What the signatures answer, beside what the model itself says."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.protocol import policy_numbers
from rcvae_tf.exporting.endpoints import ROWS_OF_BLOCK, Endpoints
from rcvae_tf.exporting.saved_model import traced
from tests.rcvae_tf.builders import NUM_POINTS, POLICY_OF_CELL

RUNS = {}


@functools.cache
def functions(preset, condition, signature):
    """Tracing takes a second; a run is traced once."""
    return traced(Endpoints(RUNS[preset, condition]).by_signature()[signature])


def ask(run, signature, **inputs):
    key = (run.config.preset, run.config.model.condition)
    RUNS[key] = run
    answer = functions(*key, signature)(
        {name: tf.constant(values) for name, values in inputs.items()}
    )
    return {name: values.numpy() for name, values in answer.items()}


def condition(*labels):
    eol, ecl = np.array(labels, np.int64).T
    return {"eol": eol, "ecl": ecl}


def test_names_and_types_of_preset_default(default_run):
    inputs = {n: list(e.inputs) for n, e in Endpoints(default_run).by_signature().items()}
    charge = [
        *("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah", "time_s"),
    ]
    assert inputs == {
        "generate": ["eol", "ecl", "seed"],
        "decode": ["z", "eol", "ecl"],
        "encode": [*charge, "eol", "ecl"],
        "reconstruct": [*charge, "eol", "ecl"],
    }
    answer = ask(default_run, "generate", **condition((500, 3)), seed=np.array([1]))
    assert list(answer) == [*charge, "matched_eol", "matched_ecl", "distance", "in_support"]
    assert {name: values.dtype.name for name, values in answer.items()} == {
        **dict.fromkeys([*charge, "distance"], "float32"),
        **dict.fromkeys(["matched_eol", "matched_ecl"], "int64"),
        "in_support": "bool",
    }
    assert answer["voltage_v"].shape == (1, NUM_POINTS)


def test_the_paper_has_no_time(paper_run):
    answer = ask(paper_run, "generate", **condition((500, 3)), seed=np.array([1]))
    assert "time_s" not in answer
    assert answer["temperature_degc"].shape == (1, NUM_POINTS)


def test_decoded_at_zero_is_what_the_run_expects(either_run):
    labels = np.array([(500, 3), (612, 2)])
    z = np.zeros((2, either_run.latent_dim), np.float32)
    answer = ask(either_run, "decode", z=z, **condition(*labels))
    expected = either_run.mean_curves(labels, np.zeros((2, 6, 2)))
    for name in either_run.model.signals_present:
        tensor = "time_s" if name == "elapsed_time_s" else name
        assert_allclose(answer[tensor], expected[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, ROWS_OF_BLOCK - 1, ROWS_OF_BLOCK, ROWS_OF_BLOCK + 1, 50])
def test_a_row_is_the_same_whatever_the_batch(either_run, count):
    rows = {
        **condition(*[(400 + 9 * k, 1 + k % 6) for k in range(50)]),
        "seed": np.arange(50),
    }
    whole = ask(either_run, "generate", **rows)
    part = ask(either_run, "generate", **{name: values[-count:] for name, values in rows.items()})
    for name, values in whole.items():
        assert_array_equal(part[name], values[-count:])


def test_no_row_is_answered_with_none(default_run):
    nothing = np.zeros(0, np.int64)
    answer = ask(default_run, "generate", eol=nothing, ecl=nothing, seed=nothing)
    assert answer["voltage_v"].shape == (0, NUM_POINTS)


def test_seeds_draw_around_what_is_expected(default_run):
    labels = [(500, 3)] * 400
    drawn = ask(default_run, "generate", **condition(*labels), seed=np.arange(400))
    z = np.zeros((1, default_run.latent_dim), np.float32)
    mean = ask(default_run, "decode", z=z, **condition(labels[0]))
    spread = drawn["voltage_v"].std(axis=0)
    assert np.all(spread > 0)
    away = np.abs(np.median(drawn["voltage_v"], axis=0) - mean["voltage_v"][0])
    assert np.all(away < spread)


def test_unknown_conditions_are_matched_and_told(default_run):
    known = default_run.vocabulary.labels
    labels = [tuple(known[0]), (5000, 3)]
    answer = ask(default_run, "generate", **condition(*labels), seed=np.array([1, 1]))
    index, distance = default_run.vocabulary.nearest(np.array(labels))
    assert_array_equal(answer["matched_eol"], known[index, 0])
    assert_array_equal(answer["matched_ecl"], known[index, 1])
    assert_allclose(answer["distance"], distance, rtol=1e-6)
    assert_array_equal(answer["in_support"], [True, False])


def test_encoding_is_that_of_the_model(either_run, dataset):
    test = dataset.test
    names = either_run.model.signals_present
    charge = {
        "time_s" if name == "elapsed_time_s" else name: test.curves[name].astype(np.float32)
        for name in names
    }
    labels = condition(*test.labels)
    told = either_run.inputs_of(test.labels, np.zeros((len(test), 6, 2)))
    inputs = {k: tf.constant(v) for k, v in told.items()}
    z_mean, z_log_var = either_run.model.encode({**inputs, "x": tf.constant(test.quasi_video)})
    answer = ask(either_run, "encode", **charge, **labels)
    assert_allclose(answer["z_mean"], z_mean, atol=1e-5)
    assert_allclose(answer["z_log_var"], z_log_var, atol=1e-5)
    again = ask(either_run, "reconstruct", **charge, **labels)
    decoded = ask(either_run, "decode", z=answer["z_mean"], **labels)
    assert_allclose(again["voltage_v"], decoded["voltage_v"], rtol=1e-5)


def test_a_policy_is_an_input_where_the_run_is_told_it(policy_run):
    policies = [POLICY_OF_CELL["made_2"], POLICY_OF_CELL["made_3"]]
    steps = np.stack([policy_numbers(text) for text in policies])
    rows = {**condition((500, 3), (500, 3)), "seed": np.array([4, 4]), "policy_steps": steps}
    answer = ask(policy_run, "generate", **rows)
    assert not np.allclose(answer["current_c_rate"][0], answer["current_c_rate"][1])
    z = np.zeros((2, policy_run.latent_dim), np.float32)
    told = {**condition((500, 3), (500, 3)), "policy_steps": steps}
    expected = policy_run.mean_curves(np.array([(500, 3)] * 2), steps)
    answer = ask(policy_run, "decode", z=z, **told)
    assert_allclose(answer["voltage_v"], expected["voltage_v"], rtol=1e-5)
