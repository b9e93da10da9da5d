import numpy as np
import pytest

from tests.rcvae_tf.indicators.builders import charge, indicator, one_hour_at_1c


def test_an_hour_at_1_c_moves_the_nominal_capacity():
    assert indicator("charge_throughput_ah", one_hour_at_1c()) == pytest.approx(1.1)
    assert indicator("capacity_soh", one_hour_at_1c()) == pytest.approx(1.0)


def test_throughput_counts_from_the_first_point():
    curves = one_hour_at_1c()
    curves["charge_capacity_ah"] = curves["charge_capacity_ah"] + 0.3
    assert indicator("charge_throughput_ah", curves) == pytest.approx(1.1)


def test_soh_of_a_cell_that_takes_four_fifths_of_the_nominal_capacity():
    curves = charge(2880.0, lambda t: 1.0, lambda t, q, i: 3.3)
    assert indicator("capacity_soh", curves) == pytest.approx(0.8)


def test_soh_without_a_nominal_capacity_is_not_valid():
    assert np.isnan(indicator("capacity_soh", one_hour_at_1c(), nominal_ah=None))
    assert indicator("charge_throughput_ah", one_hour_at_1c(), nominal_ah=None) > 1


def test_energy_is_the_charge_times_the_mean_of_a_linear_voltage():
    # 1.1 Ah at 3.3 V in the mean.
    assert indicator("charge_energy_wh", one_hour_at_1c()) == pytest.approx(3.63)
    assert indicator("mean_charge_voltage_v", one_hour_at_1c()) == pytest.approx(3.3)


def test_mean_voltage_is_that_over_the_charge_and_not_over_the_time():
    # 0.55 Ah at 3.5 V in 450 s, 0.55 Ah at 3.1 V in 1800 s; over the time it would be 3.18 V.
    # One interval of the step, 0.00485 Ah, lies between the two voltages.
    curves = charge(
        2250.0, lambda t: 4.0 if t < 450 else 1.0, lambda t, q, i: 3.5 if t < 450 else 3.1, 226
    )
    assert indicator("charge_energy_wh", curves) == pytest.approx(3.63, abs=0.0025)
    assert indicator("mean_charge_voltage_v", curves) == pytest.approx(3.3, abs=0.0025)


@pytest.mark.parametrize("current_c_rate", [0.0, -0.5])
def test_mean_voltage_where_no_charge_went_in_is_not_valid(current_c_rate):
    curves = charge(3600.0, lambda t: current_c_rate, lambda t, q, i: 3.3)
    assert np.isnan(indicator("mean_charge_voltage_v", curves))


def test_temperature_that_rises_steadily():
    curves = one_hour_at_1c(temperature_degc=lambda t: 25.0 + 10.0 * t / 3600)
    assert indicator("mean_temperature_degc", curves) == pytest.approx(30.0)
    assert indicator("max_temperature_degc", curves) == pytest.approx(35.0)
    assert indicator("temperature_rise_degc", curves) == pytest.approx(10.0)


def test_temperature_with_its_peak_in_the_fast_charge():
    # A triangle: 30 to 40 degC in the first quarter, to 20 degC at the end.
    curves = charge(
        3600.0,
        lambda t: 1.0,
        lambda t, q, i: 3.3,
        num_points=241,
        temperature_degc=lambda t: 30 + t / 90 if t < 900 else 40 - (t - 900) / 135,
    )
    assert indicator("mean_temperature_degc", curves) == pytest.approx(0.25 * 35 + 0.75 * 30)
    assert indicator("max_temperature_degc", curves) == pytest.approx(40.0)
    assert indicator("temperature_rise_degc", curves) == pytest.approx(10.0)


@pytest.mark.parametrize(
    "name", ["mean_temperature_degc", "max_temperature_degc", "temperature_rise_degc"]
)
def test_without_a_temperature_there_is_none(name):
    assert np.isnan(indicator(name, one_hour_at_1c()))
