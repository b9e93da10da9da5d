import copy
import io

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


METRICS = {
    "split": "cell",
    "cycles": 100,
    "samples": {"train": 15, "test": 6},
    "modes": {"reconstruct": errors(0.001), "prior": errors(0.003), "mean": errors(0.002)},
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
    "latent": {"kl_per_dim": [0.5, 0.25, 0.0], "active_units": 2, "label_response": 0.876},
}


def printed(metrics):
    text = io.StringIO()
    print_metrics(metrics, Console(file=text, width=200))
    return text.getvalue()


@pytest.fixture
def lines():
    return [line.split() for line in printed(METRICS).splitlines() if line.strip()]


def test_first_comes_what_was_evaluated():
    first = printed(METRICS).splitlines()[0]
    assert first == "6 test charges, 15 for training; cell split, cycles 1 to 100 at the most"


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
        "global_mean",
        "ecl_mean",
        "nearest_label (w 0.9)",
        "k_nearest_mean (k 4, w 0.99)",
    ]
    assert rows[:7] == names
    assert rows[7:14] == names


def test_numbers_stand_under_their_signals(lines):
    mae, rmse = (line for line in lines if line[:3] == ["mean", "(z", "="])
    # Time is the fifth signal and no column; the total is the sixth.
    assert mae[-5:] == ["0.0020", "0.0040", "0.0060", "0.0080", "0.0120"]
    assert rmse[-5:] == ["0.0200", "0.0400", "0.0600", "0.0800", "0.1200"]


def test_skill_time_and_latent_are_told_below():
    text = printed(METRICS)
    assert "V (V) +0.50, I (C) +0.50, T (°C) +0.50, Qc (Ah) +0.50, Total +0.50" in text
    assert "elapsed time, no part of the total: MAE 0.01 s, nearest_label 0.02 s" in text
    assert "latent: 2 of 3 dimensions active, KLD 0.75 nats" in text
    assert "response to the condition: 0.88 of the measured spread" in text


def test_signals_and_time_that_a_run_does_not_have_are_left_out():
    metrics = copy.deepcopy(METRICS)
    for part in (*metrics["modes"].values(), *metrics["baselines"].values()):
        del part["temperature_degc"], part["elapsed_time_s"]
    text = printed(metrics)
    assert "T (°C)" not in text
    assert "elapsed time" not in text


def test_a_signal_that_a_look_up_copies_without_error_has_no_skill():
    metrics = copy.deepcopy(METRICS)
    del metrics["skill"]["voltage_v"]
    assert "is better:\n  I (C) +0.50, T (°C)" in printed(metrics)
