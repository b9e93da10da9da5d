import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.model.scaling import QuasiVideoScaling
from tests.rcvae_tf.builders import WITHOUT_TEMPERATURE, made_curves


def statistics(minimum, maximum, spread=0.5, mean_curve=(3.0, 3.2, 3.4, 3.6)):
    return {
        "minimum": minimum,
        "maximum": maximum,
        "mean": 0.5 * (minimum + maximum),
        "spread": spread,
        "mean_curve": list(mean_curve),
    }


ALL_SIGNALS = {
    "voltage_v": statistics(2.0, 4.0),
    "current_c_rate": statistics(0.0, 8.0, 2.0, (4.0, 4.0, 2.0, 0.0)),
    "temperature_degc": statistics(20.0, 40.0, 5.0, (30.0, 30.0, 31.0, 32.0)),
    "charge_capacity_ah": statistics(0.0, 1.0, 0.1, (0.0, 0.4, 0.8, 1.0)),
    "elapsed_time_s": statistics(0.0, 3000.0, 100.0, (0.0, 900.0, 1800.0, 2700.0)),
}
CURVES = np.array(
    [
        [3.0, 3.5, 3.5, 4.0],
        [8.0, 4.0, 2.0, 0.0],
        [20.0, 25.0, 30.0, 40.0],
        [0.0, 0.5, 0.75, 1.0],
        [0.0, 1000.0, 2000.0, 3000.0],
    ],
    np.float32,
)
SAMPLES = pack(CURVES[None], 2, 2)


def scaling(method="min_max", depth=3, without=()):
    kept = {name: values for name, values in ALL_SIGNALS.items() if name not in without}
    return QuasiVideoScaling(kept, 2, 2, depth, method)


def planes(layer, flat):
    """Scaled elements as `(channel, depth, points)`."""
    return np.asarray(flat).reshape(3, layer.depth, 4)


def test_min_max_takes_each_signal_to_0_and_1():
    layer = scaling()
    scaled = planes(layer, layer(SAMPLES))
    assert_allclose(scaled[0, 0], [0.5, 0.75, 0.75, 1.0], rtol=1e-6)
    assert_allclose(scaled[1, 0], [1.0, 0.5, 0.25, 0.0], rtol=1e-6)
    assert_allclose(scaled[2, 0], [0.0, 0.25, 0.5, 1.0], rtol=1e-6)
    for channel in range(3):
        assert_allclose(scaled[channel, 1], [0.0, 0.5, 0.75, 1.0], rtol=1e-6)
        assert_allclose(scaled[channel, 2], [0.0, 1 / 3, 2 / 3, 1.0], rtol=1e-6)


def test_centred_is_the_deviation_from_the_mean_curve_over_the_spread():
    layer = scaling("centred")
    scaled = planes(layer, layer(SAMPLES))
    assert_allclose(scaled[0, 0], [0.0, 0.6, 0.2, 0.8], atol=1e-6)
    assert_allclose(scaled[1, 0], [2.0, 0.0, 0.0, 0.0], atol=1e-6)
    assert_allclose(scaled[1, 2], [0.0, 1.0, 2.0, 3.0], atol=1e-6)


@pytest.mark.parametrize("method", ["min_max", "centred"])
def test_unscaling_gives_physical_units_back(method):
    layer = scaling(method)
    # float32 keeps seven digits of the largest value, 3000 s
    assert_allclose(layer.unscale(layer(SAMPLES)), SAMPLES, rtol=1e-6, atol=3e-4)


@pytest.mark.parametrize("method", ["min_max", "centred"])
def test_a_constant_signal_is_only_shifted(method):
    constant = {**ALL_SIGNALS, "temperature_degc": statistics(25.0, 25.0, 0.0, (25.0,) * 4)}
    layer = QuasiVideoScaling(constant, 2, 2, 2, method)
    scaled = planes(layer, layer(SAMPLES))
    assert_allclose(scaled[2, 0], [-5.0, 0.0, 5.0, 15.0], atol=1e-6)
    assert_allclose(layer.unscale(layer(SAMPLES))[0, 2, 0], SAMPLES[0, 2, 0], rtol=1e-6)


def test_two_depths_leave_time_out():
    layer = scaling(depth=2)
    assert layer.signals == SIGNALS[:4]
    assert layer.sample_size == 3 * 2 * 4
    assert layer(SAMPLES).shape == (1, 24)
    assert_allclose(layer.unscale(layer(SAMPLES)), SAMPLES[:, :, :2], atol=1e-5)


@pytest.mark.parametrize("method", ["min_max", "centred"])
def test_an_absent_signal_is_zero_in_and_zero_out(method):
    layer = scaling(method, without=("temperature_degc",))
    scaled = planes(layer, layer(SAMPLES))
    assert_array_equal(scaled[2, 0], np.zeros(4))
    physical = layer.unscale(np.ones((1, layer.sample_size), np.float32)).numpy()
    assert_array_equal(physical[0, 2, 0], np.zeros((2, 2)))
    assert layer.signals == WITHOUT_TEMPERATURE
    assert_array_equal(layer.present.reshape(3, 3, 4)[2, 0], np.zeros(4))
    assert layer.present.sum() == 3 * 3 * 4 - 4


def test_absolute_error_is_in_physical_units():
    layer = scaling()
    other = CURVES + np.array([[0.1], [0.2], [-0.3], [0.04], [50.0]], np.float32)
    by_signal, total = layer.absolute_error(layer(SAMPLES), layer(pack(other[None], 2, 2)))
    assert layer.signals == SIGNALS
    assert_allclose(by_signal, [0.1, 0.2, 0.3, 0.04, 50.0], rtol=1e-4)
    assert_allclose(total, (0.1 + 0.2 + 0.3 + 3 * 0.04) / 6, rtol=1e-4)


def test_absolute_error_without_temperature_is_over_five_planes():
    layer = scaling(without=("temperature_degc",))
    other = CURVES + np.array([[0.1], [0.2], [99.0], [0.04], [50.0]], np.float32)
    by_signal, total = layer.absolute_error(layer(SAMPLES), layer(pack(other[None], 2, 2)))
    assert_allclose(by_signal, [0.1, 0.2, 0.04, 50.0], rtol=1e-4)
    assert_allclose(total, (0.1 + 0.2 + 3 * 0.04) / 5, rtol=1e-4)


def test_statistics_of_a_training_split_centre_it(dataset):
    statistics_of_card = {
        name: {**vars(values), "mean_curve": list(values.mean_curve)}
        for name, values in dataset.card.statistics.items()
    }
    layer = QuasiVideoScaling(statistics_of_card, 4, 4, 3, "centred")
    scaled = layer(dataset.train.quasi_video).numpy()
    assert_allclose(scaled.mean(axis=0), np.zeros(layer.sample_size), atol=1e-3)
    signal_variance = scaled.reshape(15, 3, 3, 16)[:, 0].var(axis=0).mean(axis=-1)
    assert_allclose(signal_variance, np.ones(3), rtol=1e-3)


def test_made_curves_survive_the_round_trip(dataset):
    statistics_of_card = {name: vars(values) for name, values in dataset.card.statistics.items()}
    layer = QuasiVideoScaling(statistics_of_card, 4, 4, 3, "centred")
    sample = pack(made_curves(650, 3)[None], 4, 4)
    assert_allclose(layer.unscale(layer(sample)), sample, rtol=1e-5, atol=1e-3)
