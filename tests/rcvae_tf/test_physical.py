import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.physical import generated_curves, named_curves, total_weights
from tests.rcvae_tf.builders import WITHOUT_TEMPERATURE, made_curves


@pytest.fixture
def curves():
    return np.stack([made_curves(500, 1), made_curves(900, 6)])


def test_named_curves_are_what_was_packed(curves):
    named = named_curves(pack(curves, 4, 4), SIGNALS)
    assert list(named) == list(SIGNALS)
    for row, name in enumerate(SIGNALS):
        # Grey planes are averaged over three equal channels.
        assert_allclose(named[name], curves[:, row], rtol=1e-6)


def test_absent_signals_are_left_out(curves):
    assert list(named_curves(pack(curves, 4, 4), WITHOUT_TEMPERATURE)) == list(WITHOUT_TEMPERATURE)


def test_two_depths_have_no_time(curves):
    named = named_curves(pack(curves, 4, 4)[:, :, :2], SIGNALS)
    assert list(named) == list(SIGNALS[:4])


def test_a_measured_time_comes_out_as_it_went_in(curves):
    named = generated_curves(pack(curves, 4, 4), SIGNALS)
    assert_allclose(named["elapsed_time_s"], curves[:, 4], rtol=1e-6)


def test_a_generated_time_becomes_the_equally_spaced_one_nearest_to_it():
    curves = np.zeros((1, len(SIGNALS), 4), np.float32)
    curves[0, 4] = (9.0, 0.0, 3.0, 6.0)
    # grid 0, 1/3, 2/3, 1: slope = (0 + 2 + 6) / (1/9 + 4/9 + 1) = 72/14
    time_s = generated_curves(pack(curves, 2, 2), SIGNALS)["elapsed_time_s"]
    assert_allclose(time_s, [[0.0, 24 / 14, 48 / 14, 72 / 14]], rtol=1e-6)


def test_generated_time_is_its_duration_times_the_grid():
    noise = np.random.default_rng(0).normal(100.0, 30.0, (3, len(SIGNALS), 16)).astype(np.float32)
    time_s = generated_curves(pack(noise, 4, 4), SIGNALS)["elapsed_time_s"]
    assert_array_equal(time_s, time_s[:, -1:] * np.linspace(0.0, 1.0, 16, dtype=np.float32))


def test_charge_capacity_fills_three_of_six_planes():
    assert total_weights(SIGNALS) == {
        "voltage_v": 1 / 6,
        "current_c_rate": 1 / 6,
        "temperature_degc": 1 / 6,
        "charge_capacity_ah": 3 / 6,
    }


def test_without_temperature_the_total_is_over_five_planes():
    assert total_weights(WITHOUT_TEMPERATURE) == {
        "voltage_v": 1 / 5,
        "current_c_rate": 1 / 5,
        "charge_capacity_ah": 3 / 5,
    }
