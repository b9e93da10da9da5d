import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import SIGNALS
from data_prep.resampling import resample
from tests.builders import a_charge

ROW = {name: row for row, name in enumerate(SIGNALS)}


def test_a_linear_ramp_is_exact():
    # 61 samples of a ramp onto 5 points: quarters of 3600 s, of 3.0 to 3.6 V, of 1.1 Ah.
    curves = resample(a_charge(), num_points=5)
    assert (curves.shape, curves.dtype) == ((5, 5), np.float32)
    assert_array_equal(curves[ROW["elapsed_time_s"]], [0, 900, 1800, 2700, 3600])
    assert_allclose(curves[ROW["voltage_v"]], [3.0, 3.15, 3.3, 3.45, 3.6], rtol=1e-6)
    assert_allclose(curves[ROW["charge_capacity_ah"]], [0, 0.275, 0.55, 0.825, 1.1], rtol=1e-6)
    assert_allclose(curves[ROW["temperature_degc"]], [25, 26.5, 28, 29.5, 31], rtol=1e-6)
    assert_array_equal(curves[ROW["current_c_rate"]], np.ones(5))


def test_uneven_sampling_is_laid_onto_even_times():
    # Grid 0, 10, 20, 30, 40 s; between 8 s (3.2 V) and 40 s (4.0 V) the slope is 0.025 V/s.
    charge = a_charge(
        time_s=np.array([0.0, 2.0, 8.0, 40.0]),
        **dict.fromkeys(
            ("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah"),
            np.array([3.0, 3.1, 3.2, 4.0]),
        ),
    )
    curves = resample(charge, num_points=5)
    for name in SIGNALS[:4]:
        assert_allclose(curves[ROW[name]], [3.0, 3.25, 3.5, 3.75, 4.0], rtol=1e-6)
    assert_array_equal(curves[ROW["elapsed_time_s"]], [0, 10, 20, 30, 40])


def test_first_and_last_sample_are_kept():
    rng = np.random.default_rng(0)
    time_s = np.concatenate([[0.0], np.cumsum(rng.uniform(0.1, 9.0, 60))])
    voltage_v = rng.uniform(3.0, 3.6, 61)
    curves = resample(a_charge(time_s=time_s, voltage_v=voltage_v), num_points=7)
    assert_array_equal(curves[0, [0, -1]], voltage_v[[0, -1]].astype(np.float32))
    assert curves[4, -1] == np.float32(time_s[-1])


def test_as_many_even_points_as_samples_change_nothing():
    charge = a_charge()
    assert_allclose(resample(charge, 61)[0], charge.voltage_v, rtol=1e-6)


def test_temperature_that_was_not_measured_is_a_row_of_zeros():
    curves = resample(a_charge(temperature_degc=None), num_points=4)
    assert_array_equal(curves[ROW["temperature_degc"]], np.zeros(4))
    assert curves[ROW["voltage_v"]].all()


def test_two_samples_of_one_time_are_a_step():
    time_s = np.array([0.0, 20.0, 20.0, 40.0])
    current = np.array([4.0, 4.0, 1.0, 1.0])
    short = dict.fromkeys(("voltage_v", "temperature_degc", "charge_capacity_ah"), np.ones(4))
    curves = resample(a_charge(time_s=time_s, current_c_rate=current, **short), num_points=5)
    assert_array_equal(curves[ROW["current_c_rate"]][[0, 1, 3, 4]], [4, 4, 1, 1])
