import copy
import io
from itertools import chain

import pytest
from rich.console import Console

from data_prep.records import SIGNALS
from rcvae_tf.report.tables import print_metrics


def errors(scale, signals=SIGNALS):
    """MAE 1, 2, 3, ... times a scale by signal and in total, RMSE ten times that."""
    return {
        name: {"mae": scale * k, "rmse": 10 * scale * k, "r2": 0.5}
        for k, name in enumerate([*signals, "total"], start=1)
    }


def rules(curves, *shares):
    """The number of curves, and the shares of them that break each rule in order."""
    names = (
        "capacity_falls",
        "voltage_outside",
        "current_negative",
        "capacity_not_integral",
        "any",
    )
    return {"curves": curves, **dict(zip(names, shares, strict=True))}


METRICS = {
    "split": "cell",
    "cycles": 100,
    "last_cycle": 20,
    "samples": {"train": 15, "test": 6},
    "modes": {
        "reconstruct": errors(0.001),
        "prior": errors(0.003),
        "mean": errors(0.002),
        "median": errors(0.005),
    },
    "prior_draws": 50,
    "baselines": {
        "global_mean": errors(0.01),
        "ecl_mean": errors(0.02),
        "nearest_label": errors(0.004),
        "k_nearest_mean": errors(0.03),
    },
    "baseline_settings": {
        "global_mean": {},
        "ecl_mean": {},
        "nearest_label": {"condition_weight": 0.9},
        "k_nearest_mean": {"k": 4, "condition_weight": 0.99},
    },
    "skill": dict.fromkeys([*SIGNALS, "total"], 0.5),
    "intervals": {
        "coverage_90": dict(zip(SIGNALS, (0.901, 0.852, 0.953, 0.884, 0.7), strict=True)),
        "width_90": dict(zip(SIGNALS, (0.01, 0.2, 3.0, 0.04, 50.0), strict=True)),
        "crps": dict(zip([*SIGNALS, "total"], (0.001, 0.02, 0.3, 0.004, 5.0, 0.0556), strict=True)),
        "spread_ratio": dict(zip(SIGNALS, (1.1, 0.9, 0.55, None, 1.0), strict=True)),
    },
    "physics": {
        "limits": {
            "lowest_voltage_v": 1.9951,
            "highest_voltage_v": 3.605,
            "lowest_current_c_rate": -0.02,
            "capacity_fall_ah": 2.6e-7,
            "nominal_capacities_ah": [1.1],
            "capacity_deviation": 0.002063,
        },
        "generated": rules(300, 0.25, 0.0, 1.0, 0.00012345, 1.0),
        "measured": rules(6, 0.0, 0.0, 0.0, 1 / 6, 1 / 6),
    },
    "indicators": {},
    "latent": {"kl_per_dim": [0.5, 0.25, 0.0], "active_units": 2, "label_response": 0.876},
}


def printed(metrics, width=80):
    """As the commands print it, on a terminal of 80 columns."""
    text = io.StringIO()
    print_metrics(metrics, Console(file=text, width=width, soft_wrap=True))
    return text.getvalue()


@pytest.fixture
def lines():
    return [line.split() for line in printed(METRICS).splitlines() if line.strip()]


def test_first_comes_what_was_evaluated():
    first = printed(METRICS).splitlines()[0]
    assert first == "6 test charges, 15 for training; cell split, cycles 1 to 20 at the most"


def test_no_line_is_longer_than_80_columns():
    assert max(len(line.rstrip()) for line in printed(METRICS, width=200).splitlines()) <= 80


def test_both_errors_have_a_column_for_each_signal_and_the_total(lines):
    columns = ["V", "(V)", "I", "(C)", "T", "(°C)", "Qc", "(Ah)", "Total"]
    assert [line for line in lines if line[0] in ("MAE", "RMSE")] == [
        ["MAE", *columns],
        ["RMSE", *columns],
    ]


def test_rows_are_the_modes_and_then_the_baselines(lines):
    rows = [" ".join(line[:-5]) for line in lines if line[-1].replace(".", "").isdigit()]
    names = [
        "reconstruct (sees the curve)",
        "prior (z drawn)",
        "mean (z = 0)",
        "median (of draws)",
        "global_mean",
        "ecl_mean",
        "nearest_label (w 0.9)",
        "k_nearest_mean (k 4, w 0.99)",
    ]
    assert rows[:8] == names
    assert rows[8:16] == names


def test_numbers_stand_under_their_signals(lines):
    mae, rmse = (line for line in lines if line[:3] == ["mean", "(z", "="])
    # Time is the fifth signal and no column; the total is the sixth.
    assert mae[-5:] == ["0.0020", "0.0040", "0.0060", "0.0080", "0.0120"]
    assert rmse[-5:] == ["0.0200", "0.0400", "0.0600", "0.0800", "0.1200"]


def test_draws_have_a_row_for_crps_width_coverage_and_spread(lines):
    start = next(k for k, line in enumerate(lines) if line[:2] == ["50", "draws"])
    assert lines[start][4:] == ["V", "(V)", "I", "(C)", "T", "(°C)", "Qc", "(Ah)", "Total"]
    # Only the CRPS has a total; a signal that does not vary has no ratio of spreads.
    assert lines[start + 2 : start + 6] == [
        ["CRPS", "0.0010", "0.0200", "0.3000", "0.0040", "0.0556"],
        ["width", "of", "90", "%", "interval", "0.0100", "0.2000", "3.0000", "0.0400"],
        ["share", "inside", "it", "0.90", "0.85", "0.95", "0.88"],
        ["spread", "/", "measured", "1.10", "0.90", "0.55"],
    ]


def test_rules_of_physics_tell_limits_and_shares_of_draws_and_of_measured_charges(lines):
    start = next(k for k, line in enumerate(lines) if line[:3] == ["breaks", "a", "rule"])
    assert " ".join(lines[start]) == "breaks a rule 300 draws 6 measured"
    assert [" ".join(line) for line in lines[start + 2 : start + 7]] == [
        "Qc falls 25 % 0 %",
        "V outside 1.995 to 3.605 V 0 % 0 %",
        "I below -0.02 C 100 % 0 %",
        "Qc off integral of I by 0.21 % of nominal 0.0123 % 16.7 %",
        "any of these 100 % 16.7 %",
    ]


def test_an_integral_that_could_not_be_checked_is_told_with_its_reason():
    told = "not checked: the integral of I needs the elapsed time and the nominal capacity"
    assert told not in printed(METRICS)
    metrics = copy.deepcopy(METRICS)
    for origin in ("generated", "measured"):
        metrics["physics"][origin]["capacity_not_integral"] = None
    metrics["physics"]["limits"]["capacity_deviation"] = None
    lines = printed(metrics).splitlines()
    (row,) = (line.split() for line in lines if "Qc off" in line)
    assert " ".join(row) == "Qc off integral of I not checked not checked"
    assert told in lines


def test_skill_time_and_latent_are_told_below():
    text = printed(METRICS)
    assert "V (V) +0.50, I (C) +0.50, T (°C) +0.50, Qc (Ah) +0.50, Total +0.50" in text
    assert "elapsed time, no part of the total: MAE 0.01 s, nearest_label 0.02 s" in text
    assert "latent: 2 of 3 dimensions active, KLD 0.75 nats" in text
    assert "response to the condition: 0.88 of the measured spread" in text


def test_signals_and_time_that_a_run_does_not_have_are_left_out():
    metrics = copy.deepcopy(METRICS)
    parts = (metrics[name].values() for name in ("modes", "baselines", "intervals"))
    for part in chain(*parts):
        del part["temperature_degc"], part["elapsed_time_s"]
    text = printed(metrics)
    assert "T (°C)" not in text
    assert "elapsed time" not in text


def test_a_signal_that_a_look_up_copies_without_error_has_no_skill():
    metrics = copy.deepcopy(METRICS)
    del metrics["skill"]["voltage_v"]
    assert "is better:\n  I (C) +0.50, T (°C)" in printed(metrics)
