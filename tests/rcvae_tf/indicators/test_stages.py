import math

import numpy as np
import pytest

from tests.rcvae_tf.indicators.builders import charge, indicator, one_hour_at_1c


def cc_cv(cv_current=lambda t: math.exp(-t / 400), cv_voltage_v=3.6):
    """3.0 to 3.6 V in 1800 s at 1 C, then 1200 s at the limit; 3.595 V are reached at 1785 s."""
    return charge(
        3000.0,
        lambda t: 1.0 if t <= 1800 else cv_current(t - 1800),
        lambda t, q, i: min(3.0 + 0.6 * t / 1800, cv_voltage_v),
    )


def test_constant_current_ends_5_mv_below_the_limit():
    assert indicator("cc_time_s", cc_cv()) == pytest.approx(1785.0)
    assert indicator("cv_time_s", cc_cv()) == pytest.approx(1215.0)
    assert indicator("cv_to_cc_time_ratio", cc_cv()) == pytest.approx(1215 / 1785)


def test_times_count_from_the_first_point():
    curves = cc_cv()
    curves["elapsed_time_s"] = curves["elapsed_time_s"] + 500.0
    assert indicator("cc_time_s", curves) == pytest.approx(1785.0)
    assert indicator("cv_time_s", curves) == pytest.approx(1215.0)


def test_a_limit_that_is_not_known_is_the_voltage_at_the_end():
    assert indicator("cc_time_s", cc_cv(), limit_v=None) == pytest.approx(1785.0)
    assert indicator("cc_time_s", cc_cv(), limit_v=np.nan) == pytest.approx(1785.0)


def test_a_limit_that_is_held_1_mv_too_low_is_reached():
    assert indicator("cc_time_s", cc_cv(cv_voltage_v=3.599)) == pytest.approx(1785.0)


def test_an_old_cell_at_its_limit_in_the_fast_charge_and_again_at_1_c():
    # On points of 10 s: at the limit from 400 s to 600 s, down to 3.4 V at 620 s, back at 1000 s.
    # Flanks: 3.595 V are left 0.5 s behind 600 s and reached 9.5 s before 1000 s.
    knots_s = [0, 400, 600, 620, 1000, 2000]
    knots_v = [3.0, 3.6, 3.6, 3.4, 3.6, 3.6]
    curves = charge(
        2000.0,
        lambda t: 4.0 if t < 600 else 1.0 if t < 1000 else math.exp(-(t - 1000) / 300),
        lambda t, q, i: np.interp(t, knots_s, knots_v),
        num_points=201,
    )
    # And the rise to 400 s, 0.0015 V/s: 3.333 s for 5 mV.
    held_s = 200 + 5 / 1.5 + 0.5 + 9.5 + 1000
    assert indicator("cv_time_s", curves) == pytest.approx(held_s)
    assert indicator("cc_time_s", curves) == pytest.approx(2000 - held_s)


@pytest.mark.parametrize("name", ["cc_time_s", "cv_time_s", "cv_to_cc_time_ratio"])
def test_a_charge_that_ends_when_the_limit_is_reached_has_no_constant_voltage(name):
    assert np.isnan(indicator(name, one_hour_at_1c()))
    assert np.isnan(indicator(name, one_hour_at_1c(), limit_v=None))


def test_a_charge_that_does_not_reach_its_limit_has_no_constant_voltage():
    assert np.isnan(indicator("cv_time_s", cc_cv(), limit_v=3.65))


def test_a_plateau_at_the_limit_without_a_falling_current_is_none():
    assert np.isnan(indicator("cv_time_s", cc_cv(cv_current=lambda t: 1.0)))
    assert np.isnan(indicator("cv_time_s", cc_cv(cv_current=lambda t: 0.85)))


def test_a_flat_voltage_below_the_limit_is_not_held():
    # Points of equal voltage below the limit count nothing, and do not undo the rest.
    knots_s, knots_v = [0, 500, 1000, 2000], [3.4, 3.4, 3.6, 3.6]
    curves = charge(
        2000.0,
        lambda t: 1.0 if t < 1000 else math.exp(-(t - 1000) / 300),
        lambda t, q, i: np.interp(t, knots_s, knots_v),
        num_points=201,
    )
    assert indicator("cv_time_s", curves) == pytest.approx(1000 + 5 / 0.4)


def test_a_charge_at_its_limit_from_the_start_has_no_ratio():
    curves = charge(1000.0, lambda t: math.exp(-t / 300), lambda t, q, i: 3.6)
    assert indicator("cc_time_s", curves) == 0.0
    assert np.isnan(indicator("cv_to_cc_time_ratio", curves))


def test_80_percent_at_1_c_take_48_minutes():
    assert indicator("time_to_80_soc_s", one_hour_at_1c()) == pytest.approx(2880.0)


def test_80_percent_in_two_rates():
    # 60 % with 4 C in 540 s, 20 % with 1 C in 720 s.
    curves = charge(2000.0, lambda t: 4.0 if t < 540 else 1.0, lambda t, q, i: 3.3, 201)
    assert indicator("time_to_80_soc_s", curves) == pytest.approx(1260.0)


def test_80_percent_that_are_not_reached_take_no_time():
    curves = charge(2870.0, lambda t: 1.0, lambda t, q, i: 3.3)
    assert np.isnan(indicator("time_to_80_soc_s", curves))
    assert np.isnan(indicator("time_to_80_soc_s", one_hour_at_1c(), nominal_ah=None))
