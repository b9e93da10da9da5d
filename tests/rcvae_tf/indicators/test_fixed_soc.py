import numpy as np
import pytest

from rcvae_tf.indicators.fixed_soc import SOC_PERCENTS
from tests.rcvae_tf.indicators.builders import charge, indicator, one_hour_at_1c


@pytest.mark.parametrize("percent", SOC_PERCENTS)
def test_voltage_of_a_straight_line(percent):
    # At 25 % of an hour at 1 C: 3.0 + 0.6 x 0.25 V.
    curves = one_hour_at_1c()
    found = indicator(f"voltage_at_{percent}_soc_v", curves, limit_v=4.2)
    assert found == pytest.approx(3.0 + 0.6 * percent / 100)


def test_state_of_charge_is_counted_in_charge_and_not_in_time():
    # 4 C for 600 s make 66.7 %; 85 % are reached 660 s later.
    curves = charge(2000.0, lambda t: 4.0 if t < 600 else 1.0, lambda t, q, i: 3.0 + t / 1e4, 201)
    assert indicator("voltage_at_25_soc_v", curves) == pytest.approx(3.0 + 225 / 1e4)
    assert indicator("voltage_at_85_soc_v", curves) == pytest.approx(3.0 + 1260 / 1e4)


def test_state_of_charge_is_a_share_of_the_nominal_capacity():
    # Of 2.2 Ah an hour at 1.1 A makes a half.
    curves = one_hour_at_1c()
    assert indicator("voltage_at_25_soc_v", curves, nominal_ah=2.2) == pytest.approx(3.3)
    assert np.isnan(indicator("voltage_at_65_soc_v", curves, nominal_ah=2.2))
    assert np.isnan(indicator("voltage_at_25_soc_v", curves, nominal_ah=None))


def test_a_voltage_that_the_charger_holds_says_nothing_of_the_cell():
    curves = charge(3600.0, lambda t: 1.0, lambda t, q, i: min(3.2 + 0.5 * t / 3600, 3.6))
    assert indicator("voltage_at_65_soc_v", curves) == pytest.approx(3.525)
    assert np.isnan(indicator("voltage_at_85_soc_v", curves))
