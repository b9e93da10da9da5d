"""All indicators at once: curves that are no charge, facts that differ, what the table says."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.indicators import INDICATORS, compute, indicators_of
from rcvae_tf.indicators.fixed_soc import voltage_at_soc_v
from rcvae_tf.indicators.incremental_capacity import incremental_capacity_peak
from rcvae_tf.indicators.table import indicators_as_markdown
from tests.rcvae_tf.indicators.builders import one_hour_at_1c

NAMES = [row.name for row in INDICATORS]
SIGNALS = (
    "voltage_v",
    "current_c_rate",
    "temperature_degc",
    "charge_capacity_ah",
    "elapsed_time_s",
)
ROOT = Path(__file__).resolve().parents[3]
STRANGE = {
    "nothing but zeros": lambda rng: np.zeros((3, 64)),
    "one value": lambda rng: np.full((3, 64), 3.3),
    "falling": lambda rng: np.tile(np.linspace(5.0, 0.0, 64), (3, 1)),
    "noise": lambda rng: rng.normal(0.0, 5.0, (3, 64)),
    "huge": lambda rng: rng.normal(0.0, 1e30, (3, 64)),
    "no numbers": lambda rng: np.full((3, 64), np.nan),
    "infinite": lambda rng: np.full((3, 64), np.inf),
    "single precision": lambda rng: rng.random((3, 64), np.float32),
    "negative": lambda rng: np.tile(-np.linspace(1.0, 4.0, 64), (3, 1)),
}


def test_the_table_has_every_indicator_once_and_in_order():
    assert list(indicators_of(one_hour_at_1c(), 1.1, 3.6)) == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_curve_raises_no_error_and_gives_numbers_or_nan(kind):
    rng = np.random.default_rng(0)
    curves = {name: STRANGE[kind](rng) for name in SIGNALS}
    for facts in ((1.1, 3.6), (None, None), (0.0, 0.0), (np.inf, np.nan)):
        found = indicators_of(curves, *facts)
        assert all(values.shape == (3,) for values in found.values())
        assert not any(np.isinf(values).any() for values in found.values())


def test_curves_without_any_number_have_no_indicator():
    found = indicators_of({name: np.full((2, 64), np.nan) for name in SIGNALS}, 1.1, 3.6)
    assert np.isnan(list(found.values())).all()


@pytest.mark.parametrize("num_points", [1, 2, 9])
def test_too_few_points_have_no_indicator(num_points):
    found = indicators_of({name: np.ones((2, num_points)) for name in SIGNALS}, 1.1, 3.6)
    assert list(found) == NAMES
    assert np.isnan(list(found.values())).all()


def test_no_charge_at_all_has_empty_indicators():
    found = indicators_of({name: np.ones((0, 64)) for name in SIGNALS}, 1.1, 3.6)
    assert [values.shape for values in found.values()] == [(0,)] * len(NAMES)


def test_a_damaged_signal_leaves_what_is_read_from_others():
    curves = one_hour_at_1c(temperature_degc=lambda t: 30.0)
    curves["temperature_degc"][0, 17] = np.nan
    curves["voltage_v"][0, 200] = np.inf
    found = {name: values[0] for name, values in indicators_of(curves, 1.1, 3.6).items()}
    assert found["charge_throughput_ah"] == pytest.approx(1.1)
    assert found["time_to_80_soc_s"] == pytest.approx(2880.0)
    for name in ("mean_temperature_degc", "charge_energy_wh", "voltage_at_25_soc_v", "cc_time_s"):
        assert np.isnan(found[name])


def test_preset_paper_without_a_time_keeps_what_needs_none():
    curves = one_hour_at_1c()
    del curves["elapsed_time_s"]
    found = {name: values[0] for name, values in indicators_of(curves, 1.1, 4.2).items()}
    assert found["charge_energy_wh"] == pytest.approx(3.63)
    assert found["voltage_at_25_soc_v"] == pytest.approx(3.15)
    assert found["ic_peak_height_ah_per_v"] == pytest.approx(1.1 / 0.6)
    assert np.isnan(found["time_to_80_soc_s"])


def test_each_charge_can_have_facts_of_its_own():
    curves = {name: np.tile(values, (3, 1)) for name, values in one_hour_at_1c().items()}
    found = indicators_of(curves, np.array([1.1, 2.2, np.nan]), np.array([4.2, np.nan, 3.1]))
    assert_allclose(found["capacity_soh"], [1.0, 0.5, np.nan])
    # 25 % of the nominal capacity: 3.15 V, 3.3 V; the third is above its limit and has no SOC.
    assert_allclose(found["voltage_at_25_soc_v"], [3.15, 3.3, np.nan])


def test_each_charge_has_its_own_limit():
    curves = {name: np.tile(values, (2, 1)) for name, values in one_hour_at_1c().items()}
    found = indicators_of(curves, 1.1, np.array([4.2, 3.2]))
    # 3.39 V at 65 %.
    assert_allclose(found["voltage_at_65_soc_v"], [3.39, np.nan])


def test_blocks_of_charges_give_what_each_gives_alone(monkeypatch):
    rng = np.random.default_rng(1)
    curves = one_hour_at_1c(temperature_degc=lambda t: 30.0)
    many = {name: values * rng.uniform(0.97, 1.0, (7, 1)) for name, values in curves.items()}
    whole = indicators_of(many, 1.1, 3.6)
    monkeypatch.setattr(compute, "SAMPLES_AT_ONCE", 3)
    for name, values in indicators_of(many, 1.1, 3.6).items():
        assert_allclose(values, whole[name], rtol=1e-9)


def test_what_is_given_is_not_changed():
    curves = one_hour_at_1c()
    before = {name: values.copy() for name, values in curves.items()}
    indicators_of(curves, 1.1, 3.6)
    for name, values in curves.items():
        assert_array_equal(values, before[name])


def test_every_indicator_says_its_source_and_where_it_is_valid():
    functions = (*compute.PLAIN, *compute.OF_STEPS, voltage_at_soc_v, incremental_capacity_peak)
    for function in functions:
        assert "Source: " in function.__doc__, function.__name__
        assert "Valid: " in function.__doc__, function.__name__
    said = " ".join(" ".join(function.__doc__ for function in functions).split())
    found = {doi for row in INDICATORS for doi in re.findall(r"10\.\d{4,}/[^;\s]+", row.source)}
    assert found
    assert {doi for doi in found if doi not in said} == set()


def test_the_page_has_the_table_of_the_code():
    page = (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
    assert indicators_as_markdown().strip() in page
