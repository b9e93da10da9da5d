import numpy as np
import pytest

from rcvae_tf.indicators import indicators_of
from tests.rcvae_tf.indicators.builders import LIMIT_V, NOMINAL_AH, charge, indicator

HEIGHT, VOLTAGE = "ic_peak_height_ah_per_v", "ic_peak_voltage_v"


def plateau(centre_v=3.4, current=lambda t: 1.0, duration_s=3600.0):
    """V = centre + 0.08 x + 8 x^3 with x = Q - 0.55 Ah.

    10 mV around the centre take 2 x 0.05 Ah: 2 (0.08 x 0.05 + 8 x 0.05^3) = 0.01, so 10 Ah/V.
    """

    def voltage_v(t, q, i):
        x = q - 0.55
        return centre_v + 0.08 * x + 8 * x**3

    return charge(duration_s, current, voltage_v)


def after_fast_charge(turn_s=904.0, turn_v=3.41, curvature=1e-7):
    """4 C for 600 s; at 1 C the voltage falls from 3.5 V, turns, and rises with the square."""

    def voltage_v(t, q, i):
        if t < 600:
            return 3.4 + 1e-4 * t
        if t < turn_s:
            return 3.5 - (3.5 - turn_v) * (t - 600) / (turn_s - 600)
        return turn_v + curvature * (t - turn_s) ** 2

    return charge(2040.0, lambda t: 4.0 if t < 600 else 1.0, voltage_v)


def test_a_straight_line_has_its_slope_everywhere():
    # 1.1 Ah over 0.6 V.
    curves = charge(3600.0, lambda t: 1.0, lambda t, q, i: 3.0 + 0.6 * t / 3600)
    assert indicator(HEIGHT, curves, limit_v=4.2) == pytest.approx(1.1 / 0.6)
    # The first of all windows, which are alike but for rounding.
    assert indicator(VOLTAGE, curves, limit_v=4.2) == pytest.approx(3.005)


def test_the_peak_of_a_plateau_at_1_c():
    # Between points 4.3 mAh apart the window sits within 1 % of the best place.
    assert indicator(HEIGHT, plateau(), limit_v=4.6) == pytest.approx(10.0, rel=2e-3)
    assert indicator(VOLTAGE, plateau(), limit_v=4.6) == pytest.approx(3.4, abs=5e-4)


def test_polarisation_moves_the_peak_and_leaves_its_height():
    curves = plateau(centre_v=3.45)
    assert indicator(HEIGHT, curves, limit_v=4.6) == pytest.approx(10.0, rel=2e-3)
    assert indicator(VOLTAGE, curves, limit_v=4.6) == pytest.approx(3.45, abs=5e-4)


def test_behind_a_fast_charge_the_peak_lies_at_the_turn_of_the_voltage():
    # 10 mV above the turn are reached sqrt(0.01 / 1e-7) = 316.2 s behind it, at 1 C 0.09662 Ah.
    curves = after_fast_charge()
    height = NOMINAL_AH * np.sqrt(0.01 / 1e-7) / 3600 / 0.01
    assert indicator(HEIGHT, curves, limit_v=4.2) == pytest.approx(height, rel=5e-3)
    assert indicator(VOLTAGE, curves, limit_v=4.2) == pytest.approx(3.415, abs=1e-5)


def test_what_is_charged_with_another_rate_does_not_count():
    curves = plateau(current=lambda t: 0.9)
    assert np.isnan(indicator(HEIGHT, curves, limit_v=4.6))
    assert np.isnan(indicator(VOLTAGE, curves, limit_v=4.6))
    assert indicator(HEIGHT, plateau(current=lambda t: 0.96), limit_v=4.6) > 9


def test_a_plateau_in_the_fast_charge_is_not_the_peak():
    # Flat at 3.3 V with 4 C; at 1 C a straight 0.2 V in 1800 s, 0.55 Ah: 2.75 Ah/V.
    curves = charge(
        2160.0,
        lambda t: 4.0 if t < 360 else 1.0,
        lambda t, q, i: 3.3 + 1e-6 * t if t < 360 else 3.3 + 0.2 * (t - 360) / 1800,
    )
    assert indicator(HEIGHT, curves) == pytest.approx(2.75, rel=1e-3)


def test_the_longest_of_two_stages_at_1_c_counts():
    # 100 s at 1 C and flat first, as policies that begin with a few percent have it.
    curves = charge(
        2260.0,
        lambda t: 1.0 if t < 100 else 4.0 if t < 460 else 1.0,
        lambda t, q, i: 3.3 + 1e-6 * t if t < 460 else 3.3 + 0.2 * (t - 460) / 1800,
    )
    assert indicator(HEIGHT, curves) == pytest.approx(2.75, rel=1e-3)


def test_too_short_a_stage_at_1_c_has_no_peak():
    # Points 10 s apart: nine of them at 1 C, then ten.
    def ends_with(seconds):
        return charge(
            2000.0,
            lambda t: 1.0 if t > 2000 - seconds else 2.0,
            lambda t, q, i: 3.0 + 0.5 * t / 2000,
            num_points=201,
        )

    assert np.isnan(indicator(HEIGHT, ends_with(85)))
    assert indicator(HEIGHT, ends_with(95)) == pytest.approx(1.1 * 40 / 3600 / 0.01)


def test_a_stage_that_rises_by_less_than_the_window_has_no_peak():
    curves = charge(3600.0, lambda t: 1.0, lambda t, q, i: 3.3 + 0.009 * t / 3600)
    assert np.isnan(indicator(HEIGHT, curves))


def test_what_is_held_at_the_limit_does_not_count():
    # At the limit a flat voltage and 1 C would be a peak without end.
    curves = charge(3600.0, lambda t: 1.0, lambda t, q, i: min(3.0 + 0.6 * t / 1800, 3.6))
    assert indicator(HEIGHT, curves) == pytest.approx(0.55 / 0.6)


def test_charges_do_not_see_each_other():
    broken = {name: np.full_like(values, np.nan) for name, values in plateau().items()}
    steep = plateau()
    steep["voltage_v"] = steep["voltage_v"] * 1e30 - 1e31
    rows = [plateau(), broken, broken, broken, after_fast_charge(), steep, plateau(centre_v=3.45)]
    alone = [indicator(HEIGHT, row, limit_v=4.6) for row in rows]
    together = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    found = indicators_of(together, NOMINAL_AH, 4.6)[HEIGHT]
    np.testing.assert_allclose(found, alone, rtol=1e-9)


def test_noise_of_a_tenth_of_a_millivolt_changes_little():
    curves = after_fast_charge()
    clean = indicators_of(curves, NOMINAL_AH, LIMIT_V)
    noise_v = np.random.default_rng(0).normal(0.0, 1e-4, curves["voltage_v"].shape)
    noisy = indicators_of({**curves, "voltage_v": curves["voltage_v"] + noise_v}, NOMINAL_AH)
    np.testing.assert_allclose(noisy[HEIGHT], clean[HEIGHT], rtol=0.05)
    np.testing.assert_allclose(noisy[VOLTAGE], clean[VOLTAGE], atol=5e-4)
