"""What the benchmark of fidelity makes of its numbers, and of its processes."""

import sys
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def beside_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


def record(row, seed, samples, total, **kinds):
    errors = {"voltage_v": total / 2, "current_c_rate": total, "total": total}
    return {"row": row, "seed": seed, "samples": samples, "mae": errors, **kinds}


def table(*records):
    from fidelity_goals import pooled

    return {"rows": pooled(records)}


def by_name(parts):
    from fidelity_goals import goals

    return {goal["goal"]: goal for goal in goals(parts)}


def test_folds_are_pooled_by_their_samples_and_seeds_give_the_spread():
    from fidelity_goals import pooled

    (row,) = pooled(
        [
            record("r", 1, 300, 1.0),
            record("r", 1, 100, 5.0),
            record("r", 2, 300, 4.0),
            record("r", 2, 100, 4.0),
        ]
    )
    # (300 + 500) / 400 = 2 and 4: a spread of sqrt(2).
    assert_allclose((row["mean"]["mae"]["total"], row["mean"]["mae"]["voltage_v"]), (3.0, 1.5))
    assert_allclose(row["spread"]["mae"]["total"], 2**0.5)
    assert (row["seeds"], row["samples"]) == ([1, 2], 400)


def test_a_row_without_chance_has_no_spread():
    assert table(record("r", None, 10, 1.0))["rows"][0]["spread"] == {}


def test_a_part_that_was_not_measured_meets_no_goal_and_fails_none():
    from fidelity_goals import goals_table

    judged = by_name({})
    assert {goal["met"] for goal in judged.values()} == {None}
    assert goals_table(list(judged.values())).count("not measured") == len(judged)


def test_the_goals_of_known_cells():
    parts = {
        "attia-sample": table(
            record("default (EOL, ECL)", 1, 10, 0.36),
            record("default (EOL, ECL, policy)", 1, 10, 0.385),
            record("k_nearest_mean", None, 10, 0.40),
            record("extra_trees (EOL, ECL, policy)", 1, 10, 0.41),
            record("cell_interpolation", None, 10, 0.40),
        ),
        "paper": table(record("paper", 1, 10, 1.7)),
    }
    judged = by_name(parts)
    found = {name: (goal["measured"], goal["met"]) for name, goal in judged.items()}
    first = "attia-sample, (EOL, ECL): total over k_nearest_mean"
    second = "attia-sample, with policy: total over extra_trees or cell_interpolation, the better"
    assert found[first] == (pytest.approx(0.9), True)
    assert found["the same, total over preset paper"] == (pytest.approx(0.36 / 1.7), False)
    assert found[second] == (pytest.approx(0.385 / 0.40), False)


def test_the_worst_signal_of_the_total_is_judged_not_the_time():
    ours = record("default (EOL, ECL)", 1, 10, 1.0)
    theirs = record("k_nearest_mean", None, 10, 1.0)
    ours["mae"] |= {"voltage_v": 1.2, "elapsed_time_s": 9.0}
    theirs["mae"] |= {"voltage_v": 1.0, "elapsed_time_s": 1.0}
    goal = by_name({"attia-sample": table(ours, theirs)})["the same, signal with the highest ratio"]
    assert (goal["measured"], goal["met"]) == (pytest.approx(1.2), False)


@pytest.mark.parametrize(
    ("share", "met"), [(0.849, False), (0.85, True), (0.95, True), (0.951, False)]
)
def test_an_interval_may_hold_too_few_and_too_many_points(share, met):
    spread = {"crps": {"total": 0.9}, "coverage_90": {"voltage_v": share}}
    parts = {
        "attia-cell": table(
            record("default (EOL, ECL, policy)", 1, 10, 1.0, **spread),
            {"row": "policy_sampler", "seed": None, "samples": 10, "crps": {"total": 1.0}},
        )
    }
    judged = by_name(parts)
    assert judged["attia-cell, with policy: V inside 90 % intervals"]["met"] is met
    assert judged["the same, CRPS over policy_sampler"]["measured"] == pytest.approx(0.9)


@pytest.mark.parametrize(("share", "met"), [(0.0, True), (1e-4, False)])
def test_not_one_drawn_charge_may_break_a_rule(share, met):
    row = {
        "row": "attia-cell, default (EOL, ECL)",
        "seed": 1,
        "samples": 10,
        "broken": {"any": share},
    }
    name = "physics, attia-cell, default (EOL, ECL): share of draws that breaks a rule"
    assert by_name({"physics": table(row)})[name]["met"] is met


def test_tables_have_the_signals_that_were_measured():
    from fidelity_goals import part_tables

    parts = {"attia-sample": table(record("r", 1, 1, 0.5), record("r", 2, 1, 0.7))}
    (text,) = part_tables("attia-sample", parts)
    assert text.splitlines() == [
        "| attia-sample: MAE | V | I, C | total |",
        "| --- | --- | --- | --- |",
        "| r | 0.3000 +- 0.0707 | 0.6000 +- 0.1414 | 0.6000 +- 0.1414 |",
    ]
    assert part_tables("paper", parts) == []


def test_a_package_that_is_not_installed_is_said():
    from fidelity_goals import part_tables

    text = "tsgm: not measured, the package is not installed."
    assert part_tables("tsgm", {"tsgm": table()}) == [text]


def test_a_failed_training_ends_the_others_and_is_named(tmp_path):
    from fidelity_work import run_side_by_side

    code = "import pathlib, sys, time; time.sleep(30); pathlib.Path(sys.argv[1]).touch()"
    commands = [
        ([sys.executable, "-c", code, str(tmp_path / "slow-end")], tmp_path / "slow"),
        ([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "bad"),
        ([sys.executable, "-c", "open(__import__('sys').argv[1], 'w')", "later"], tmp_path / "x"),
    ]
    with pytest.raises(SystemExit, match=r"bad\.log: ended with 3"):
        run_side_by_side(commands, jobs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.log", "slow.log"]


def test_what_is_started_anew_finds_no_half_run(tmp_path):
    from fidelity_work import run_side_by_side

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "half").touch()
    code = "import os, sys; os.mkdir(sys.argv[1]); print('said')"
    run_side_by_side([([sys.executable, "-c", code, str(tmp_path / "run")], tmp_path / "run")], 1)
    assert list((tmp_path / "run").iterdir()) == []
    assert (tmp_path / "run.log").read_text() == "said\n"
