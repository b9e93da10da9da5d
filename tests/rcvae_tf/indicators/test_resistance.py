import math

import numpy as np
import pytest

from tests.rcvae_tf.indicators.builders import NOMINAL_AH, charge, indicator

LAST, FAST = "last_step_resistance_ohm", "fast_step_resistance_ohm"
SECONDS = 1275.0  # 255 intervals of 5 s


def rates(*steps):
    """The rate of a policy by the time: pairs of the second at which a rate begins, and the rate"""
    return lambda t: [rate for start, rate in steps if t >= start][-1]


def behind_resistor(policy, ohm=0.025, open_circuit_v=lambda q: 3.0 + 0.2 * q, num_points=256):
    return charge(
        SECONDS,
        policy,
        lambda t, q, i: open_circuit_v(q) + ohm * NOMINAL_AH * i,
        num_points,
    )


TWO_STEPS = rates((0, 5.4), (300, 3.6), (600, 1.0))


def test_a_cell_that_is_a_resistor_behind_a_linear_voltage():
    assert indicator(LAST, behind_resistor(TWO_STEPS)) == pytest.approx(0.025)
    assert indicator(FAST, behind_resistor(TWO_STEPS)) == pytest.approx(0.025)


def test_a_steep_open_circuit_voltage_is_taken_out():
    curves = behind_resistor(TWO_STEPS, open_circuit_v=lambda q: 2.9 + 0.5 * q)
    assert indicator(LAST, curves) == pytest.approx(0.025)


def test_one_rate_to_80_percent_has_a_last_step_and_no_other():
    curves = behind_resistor(rates((0, 4.0), (600, 1.0)))
    assert indicator(LAST, curves) == pytest.approx(0.025)
    assert np.isnan(indicator(FAST, curves))


def test_one_rate_throughout_has_no_step():
    curves = behind_resistor(rates((0, 1.0)))
    assert np.isnan(indicator(LAST, curves))
    assert np.isnan(indicator(FAST, curves))


def test_fast_steps_weigh_with_the_square_of_their_current():
    # 2 C at 20 mOhm and 1 C at 40 mOhm: (4 x 20 + 1 x 40) / 5 = 24 mOhm; the last 2 C at 30 mOhm.
    at_start_v = {0: 0.0, 300: 0.020 * 2.2, 600: (0.020 * 2 - 0.040) * 1.1}
    at_start_v[900] = at_start_v[600] - 0.030 * 2.2
    jump_v = rates(*at_start_v.items())
    policy = rates((0, 2.0), (300, 4.0), (600, 3.0), (900, 1.0))
    curves = charge(SECONDS, policy, lambda t, q, i: 3.0 + 0.2 * q + jump_v(t))
    assert indicator(FAST, curves) == pytest.approx(0.024)
    assert indicator(LAST, curves) == pytest.approx(0.030)


def test_the_voltage_is_read_30_s_behind_the_middle_of_the_step():
    # The step lies between 595 s and 600 s; from 600 s the voltage falls by 1 mV/s more. Read at
    # 597.5 + 30 = 627.5 s, 27.5 mV are added to the 25 mOhm: over 2.6 C.
    def voltage_v(t, q, i):
        return 3.0 + 0.2 * q + 0.025 * NOMINAL_AH * i - 1e-3 * max(t - 600.0, 0.0)

    curves = charge(SECONDS, TWO_STEPS, voltage_v)
    expected = 0.025 + 0.0275 / (2.6 * NOMINAL_AH)
    assert indicator(LAST, curves) == pytest.approx(expected)


def test_a_rest_of_ten_seconds_at_the_step_is_no_step_of_its_own():
    policy = rates((0, 5.4), (300, 3.6), (600, 0.0), (610, 1.0))
    assert indicator(LAST, behind_resistor(policy)) == pytest.approx(0.025)
    assert indicator(FAST, behind_resistor(policy)) == pytest.approx(0.025)


def test_a_step_that_is_smeared_over_four_points_is_one_step():
    policy = rates((0, 4.0), (600, 3.2), (605, 2.4), (610, 1.6), (615, 1.0))
    assert indicator(LAST, behind_resistor(policy)) == pytest.approx(0.025)
    assert np.isnan(indicator(FAST, behind_resistor(policy)))


def test_a_current_that_falls_slowly_is_no_step():
    # 0.1 C a point: from 4 C to 1 C in 30 intervals.
    curves = behind_resistor(lambda t: min(4.0, max(1.0, 4.0 - 0.02 * (t - 600))))
    assert np.isnan(indicator(LAST, curves))


@pytest.mark.parametrize(("size_c_rate", "is_step"), [(0.45, False), (0.55, True)])
def test_a_small_step_is_none(size_c_rate, is_step):
    curves = behind_resistor(rates((0, 1.0 + size_c_rate), (600, 1.0)))
    assert np.isfinite(indicator(LAST, curves)) == is_step


def test_a_stage_of_fewer_points_than_the_rise_is_read_from_does_not_begin_a_step():
    # Three intervals at 4 C, then 1 C.
    curves = behind_resistor(rates((0, 2.0), (600, 4.0), (620, 1.0)))
    assert np.isnan(indicator(LAST, curves))


def test_the_end_of_constant_current_is_no_step():
    # The current falls fast enough to look like one; the voltage is held.
    def current(t):
        return 4.0 if t < 600 else 1.0 if t < 900 else math.exp(-(t - 900) / 15)

    curves = charge(SECONDS, current, lambda t, q, i: 3.6 if t >= 900 else 3.2 + 0.01 * i)
    assert indicator(LAST, curves) == pytest.approx(0.01 / NOMINAL_AH, rel=1e-6)


def test_an_old_cell_at_its_limit_before_the_last_step_has_no_resistance_there():
    # At 3.6 V from 450 s on, so the current falls; then 1 C. The step at 300 s stands.
    def current(t):
        fast = 5.4 if t < 300 else 4.0
        return fast if t < 450 else 4.0 - 0.01 * (t - 450) if t < 600 else 1.0

    def voltage_v(t, q, i):
        return 3.6 if 450 <= t < 600 else 3.0 + 0.2 * q + 0.025 * NOMINAL_AH * i

    curves = charge(SECONDS, current, voltage_v)
    assert np.isnan(indicator(LAST, curves))
    assert indicator(FAST, curves) == pytest.approx(0.025)


def test_a_step_whose_rate_does_not_last_30_s_is_left_out():
    # 3 C for 20 s only: what is read behind 600 s is at 1 C. The step at 300 s stands.
    curves = behind_resistor(rates((0, 5.4), (300, 4.0), (600, 3.0), (620, 1.0)))
    assert indicator(FAST, curves) == pytest.approx(0.025)
    assert np.isnan(indicator(LAST, curves))
    curves = behind_resistor(rates((0, 4.0), (600, 3.0), (620, 1.0)))
    assert np.isnan(indicator(FAST, curves))


def test_a_step_from_a_voltage_that_is_held_is_not_read():
    # A current that stays constant although the voltage does.
    def voltage_v(t, q, i):
        return 3.6 if t < 600 else 3.0 + 0.2 * q + 0.025 * NOMINAL_AH * i

    assert np.isnan(indicator(LAST, charge(SECONDS, rates((0, 4.0), (600, 1.0)), voltage_v)))


def test_a_charge_that_ends_within_a_step_has_no_last_one():
    curves = behind_resistor(rates((0, 4.0), (600, 2.0), (1272, 0.2)))
    assert np.isnan(indicator(LAST, curves))
    assert indicator(FAST, curves) == pytest.approx(0.025)


def test_points_too_far_apart_show_no_resistance():
    # 16 points in 1275 s: 85 s apart.
    assert np.isnan(indicator(LAST, behind_resistor(TWO_STEPS, num_points=16)))
    # 15.2 s, and 14.8 s.
    assert np.isnan(indicator(LAST, behind_resistor(TWO_STEPS, num_points=85)))
    assert indicator(LAST, behind_resistor(TWO_STEPS, num_points=87)) == pytest.approx(0.025)


def test_without_time_or_nominal_capacity_there_is_no_resistance():
    curves = behind_resistor(TWO_STEPS)
    assert np.isnan(indicator(LAST, curves, nominal_ah=None))
    assert np.isnan(indicator(FAST, curves, nominal_ah=None))
    del curves["elapsed_time_s"]
    assert np.isnan(indicator(LAST, curves))
