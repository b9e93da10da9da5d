import dataclasses
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.records import SIGNALS
from data_prep.scaling import SignalStatistics, fit_statistics


@pytest.fixture
def curves():
    """Two samples of two points; signal k is k more than the voltage, 1 2 and 3 6."""
    voltage_v = np.array([[1.0, 2.0], [3.0, 6.0]])
    return (voltage_v[:, None] + np.arange(5.0)[None, :, None]).astype(np.float32)


def test_hand_numbers(curves):
    # Mean curve (2, 4); what is left is -1 -2 and 1 2: spread sqrt((1 + 4 + 1 + 4) / 4).
    voltage = fit_statistics([curves], SIGNALS)["voltage_v"]
    assert (voltage.minimum, voltage.maximum, voltage.mean) == (1.0, 6.0, 3.0)
    assert voltage.mean_curve == (2.0, 4.0)
    assert_allclose(voltage.spread, np.sqrt(2.5), rtol=1e-12)


@pytest.mark.parametrize(("row", "name"), list(enumerate(SIGNALS)))
def test_every_signal_has_its_own_row(curves, row, name):
    assert fit_statistics([curves], SIGNALS)[name].mean_curve == (2.0 + row, 4.0 + row)


def test_an_absent_signal_has_no_statistics(curves):
    present = tuple(name for name in SIGNALS if name != "temperature_degc")
    assert tuple(fit_statistics([curves], present)) == present


def test_a_constant_signal_has_no_spread():
    statistics = fit_statistics([np.full((3, 5, 4), 25.0, np.float32)], SIGNALS)["temperature_degc"]
    assert statistics == SignalStatistics(25.0, 25.0, 25.0, 0.0, (25.0,) * 4)


def test_one_sample_has_no_spread(curves):
    assert fit_statistics([curves[:1]], SIGNALS)["voltage_v"].spread == 0.0


def test_many_float32_are_averaged_without_loss():
    # 100 000 times 4.1 in float32 arithmetic would drift in the fifth digit.
    curves = np.full((1000, 5, 100), 4.1, np.float32)
    assert_allclose(
        fit_statistics([curves], SIGNALS)["voltage_v"].mean, np.float32(4.1), rtol=1e-12
    )


def test_statistics_survive_json(curves):
    for statistics in fit_statistics([curves], SIGNALS).values():
        text = json.dumps(dataclasses.asdict(statistics))
        assert SignalStatistics.from_dict(json.loads(text)) == statistics


def test_parts_give_what_the_whole_gives():
    curves = np.random.default_rng(0).normal(3.3, 0.1, (7, 5, 4)).astype(np.float32)
    whole = fit_statistics([curves], SIGNALS)
    parts = fit_statistics([curves[:1], curves[1:4], curves[4:]], SIGNALS)
    for name in SIGNALS:
        for field in dataclasses.fields(SignalStatistics):
            of_whole, of_parts = getattr(whole[name], field.name), getattr(parts[name], field.name)
            assert_allclose(of_parts, of_whole, rtol=1e-12)
