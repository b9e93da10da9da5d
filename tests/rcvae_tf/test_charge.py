import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.model.canvas import Canvas
from rcvae_tf.model.charge import Charge, read_on_points

OFFSET = [3.2, 1.6, 30.0]
SIGNALS = ("voltage_v", "current_c_rate", "temperature_degc")
CHARGE = Charge(SIGNALS, OFFSET, (2.0, 3.6), 1.1, capacity_tolerance_ah=0.01)
KNOT_MINUTES = np.array([[0.0, 6.0, 30.0, 60.0]], np.float32)


def scaled(voltage_v, current_c_rate, temperature_degc):
    """One charge as the canvas holds it: offsets taken off, in units of 0.05 V, 0.8 C, 1 degC."""
    rows = np.array([voltage_v, current_c_rate, temperature_degc])
    return ((rows - np.array(OFFSET)[:, None]) / [[0.05], [0.8], [1.0]])[None].astype(np.float32)


def at_current(*current_c_rate):
    return scaled([3.2] * len(current_c_rate), current_c_rate, [30.0] * len(current_c_rate))


def integral_ah(canvas, charge_share=0.0):
    share = np.full(KNOT_MINUTES.shape, charge_share, np.float32)
    return np.asarray(CHARGE.integral_at_knots(canvas, share, KNOT_MINUTES))[0]


def test_a_canvas_of_zeros_is_the_offset():
    physical = CHARGE.within_limits(np.zeros((1, 3, 2), np.float32))
    assert_allclose(physical, [[[3.2, 3.2], [1.6, 1.6], [30.0, 30.0]]])


def test_limits_hold_the_voltage_and_the_current_but_not_the_temperature():
    canvas = scaled([1.5, 3.3, 3.7], [-0.5, 0.0, 4.0], [-20.0, 30.0, 90.0])
    expected = [[2.0, 3.3, 3.6], [0.0, 0.0, 4.0], [-20.0, 30.0, 90.0]]
    assert_allclose(CHARGE.within_limits(canvas)[0], expected, rtol=1e-5, atol=1e-6)


def test_a_value_beyond_a_limit_can_be_trained_back():
    canvas = tf.constant(scaled([3.7], [-0.5], [30.0]))
    with tf.GradientTape() as tape:
        tape.watch(canvas)
        total = tf.reduce_sum(CHARGE.within_limits(canvas))
    assert_allclose(tape.gradient(total, canvas)[0, :, 0], [0.05, 0.8, 1.0])


def test_scaled_is_the_inverse_within_limits():
    canvas = scaled([3.0, 3.5], [0.4, 2.0], [25.0, 41.0])
    assert_allclose(CHARGE.scaled(CHARGE.within_limits(canvas)), canvas, rtol=1e-4, atol=1e-5)


def test_a_constant_current_charges_its_nominal_capacity_times_hours():
    # 1.5 C into 1.1 Ah for 6, 30 and 60 minutes.
    expected = 1.5 * 1.1 * np.array([0.0, 0.1, 0.5, 1.0])
    assert_allclose(integral_ah(at_current(1.5, 1.5, 1.5, 1.5)), expected, rtol=1e-5)


def test_a_changing_current_charges_the_trapezoids_below_it():
    # 2 to 1 C in 6 minutes, 1 to 0 C in 24, nothing in 30.
    expected = 1.1 * np.cumsum([0.0, 1.5 * 0.1, 0.5 * 0.4, 0.0])
    assert_allclose(integral_ah(at_current(2.0, 1.0, 0.0, 0.0)), expected, rtol=1e-5)


def test_a_share_of_the_charge_counts_beside_the_current():
    steady = at_current(1.0, 1.0, 1.0, 1.0)
    assert_allclose(integral_ah(steady, -0.25), 0.75 * integral_ah(steady), rtol=1e-5)


def test_neither_a_current_nor_a_share_below_zero_takes_charge_out():
    assert_array_equal(integral_ah(at_current(-1.0, -1.0, -3.0, -1.0)), np.zeros(4))
    assert_array_equal(integral_ah(at_current(1.0, 2.0, 1.0, 1.0), -1.5), np.zeros(4))


def capacity_of(integral, current_c_rate, duration_min=60.0):
    points = np.array([integral], np.float32)
    return np.asarray(CHARGE(at_current(*current_c_rate), points, np.float32([duration_min])))[0, 3]


def test_capacity_is_the_integral_where_that_is_near_the_points():
    # 1 C for an hour on three points makes 0, 0.55, 1.1 Ah.
    assert_allclose(capacity_of([0.0, 0.545, 1.105], [1.0] * 3), [0.0, 0.545, 1.105], rtol=1e-6)


@pytest.mark.parametrize(
    ("integral", "expected"),
    [([0.0, 0.2, 2.0], [0.0, 0.54, 1.11]), ([0.3, 0.9, 0.9], [0.01, 0.56, 1.09])],
)
def test_capacity_stays_within_its_tolerance_of_the_points(integral, expected):
    assert_allclose(capacity_of(integral, [1.0] * 3), expected, rtol=1e-5)


def test_capacity_never_falls_and_stays_near_the_points_whatever_the_noise():
    rng = np.random.default_rng(0)
    noisy = rng.normal(0.0, 3.0, (500, 3, 64)).astype(np.float32)
    rising = np.cumsum(rng.exponential(0.03, (500, 64)), axis=1).astype(np.float32)
    duration_min = rng.uniform(1.0, 90.0, 500).astype(np.float32)
    voltage_v, current_c_rate, _, capacity_ah = np.moveaxis(
        np.asarray(CHARGE(noisy, rising, duration_min)), 1, 0
    )
    assert voltage_v.max() <= np.float32(3.6)
    assert voltage_v.min() >= np.float32(2.0)
    assert current_c_rate.min() == 0.0
    # Sums of float32 around 1 Ah.
    assert np.diff(capacity_ah).min() >= -1e-6
    added = 0.5 * (current_c_rate[:, 1:] + current_c_rate[:, :-1]) * 1.1
    on_grid_ah = np.cumsum(added * duration_min[:, None] / 60.0 / 63.0, axis=1)
    assert np.abs(capacity_ah[:, 1:] - on_grid_ah).max() <= 0.01 + 1e-5
    assert (np.abs(capacity_ah[:, 1:] - on_grid_ah) > 0.0099).mean() > 0.5  # the bound is at work


def test_without_a_temperature_there_are_two_signals_and_the_capacity():
    charge = Charge(SIGNALS[:2], OFFSET[:2], (2.0, 3.6), 1.1, 0.01)
    curves = charge(np.zeros((1, 2, 3), np.float32), np.zeros((1, 3), np.float32), np.ones(1, "f4"))
    # 1.6 C for a minute are 0.0293 Ah, of which 0.01 may be missing.
    expected = [[3.2] * 3, [1.6] * 3, [0.0, 0.0146667 - 0.01, 0.0293333 - 0.01]]
    assert_allclose(curves[0], expected, rtol=1e-4, atol=1e-7)


def test_stacks_are_read_at_once_as_they_are_read_alone():
    canvas = Canvas([0.0, 0.25, 1.0], 0, 40.0)
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=(2, channels, 3)).astype(np.float32) for channels in (2, 1, 3)]
    knot_minutes = canvas.knot_minutes(np.zeros((2, 1), np.float32))
    location = canvas.locate(np.float32([30.0, 40.0]), knot_minutes, 5)
    for together, row in zip(read_on_points(canvas, rows, location), rows, strict=True):
        assert_array_equal(together, canvas.read(row, location))


def test_a_charge_is_made_again_from_its_config():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(CHARGE))
    assert again.get_config() == CHARGE.get_config()
    canvas = scaled([1.5, 3.3, 3.7], [-0.5, 0.0, 4.0], [-20.0, 30.0, 90.0])
    integral, duration_min = np.float32([[0.0, 0.1, 0.5]]), np.float32([20.0])
    assert_array_equal(
        again(canvas, integral, duration_min), CHARGE(canvas, integral, duration_min)
    )
