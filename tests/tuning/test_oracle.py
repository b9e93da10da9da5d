"""Who suggests the trials: never the same twice, never misled, and killed at any point."""

import json
import math

import numpy as np
import pytest

from data_prep.errors import SettingsError
from tests.tuning.builders import small_plan
from tuning import oracle as oracle_module
from tuning.oracle import SearchOracle
from tuning.outcome import Outcome
from tuning.search_space import Dimension

LINE = (Dimension("learning_rate", 0.001, 0.1, log=True),)
FOUR_VALUES = (Dimension("batch_size", 4, 32, step=2, log=True),)
BOWL_AT = 0.01


def bowl(trial):
    """An error that is lowest, 0.1, at a learning rate of 0.01."""
    rate = trial.hyperparameters.values["learning_rate"]
    return Outcome(0.1 + math.log10(rate / BOWL_AT) ** 2, 3, 5)


def run(oracle, trials, judge=bowl):
    """The loop of a search, without a model."""
    while len(oracle.finished) < trials:
        trial = oracle.next_trial()
        if trial.status == "STOPPED":
            break
        oracle.report(trial, judge(trial))
    return oracle


def opened(plan, folder):
    oracle = SearchOracle(plan, folder)
    if oracle.was_begun:
        oracle.reload()
    else:
        oracle.save()
    return oracle


def facts(oracle):
    return [(t.trial_id, t.status, t.score, t.hyperparameters.values) for t in oracle.finished]


def test_the_process_finds_the_bottom_of_a_bowl_where_chance_does_not(tmp_path):
    found = facts(run(opened(small_plan(LINE, initial_trials=4), tmp_path / "process"), 8))
    drawn = facts(run(opened(small_plan(LINE), tmp_path / "chance"), 8))
    assert found[:4] == drawn[:4]
    assert min(score for _, _, score, _ in found) < 0.102
    assert min(score for _, _, score, _ in drawn) > 0.15


def test_trials_are_named_alike_however_many_are_asked_for(tmp_path):
    oracle = run(opened(small_plan(LINE), tmp_path), 2)
    assert [t.trial_id for t in oracle.finished] == ["0000", "0001"]
    assert sorted(path.name for path in tmp_path.glob("trial_*")) == ["trial_0000", "trial_0001"]


def test_a_search_that_goes_on_suggests_what_it_would_have_suggested_without_a_break(tmp_path):
    plan = small_plan(LINE, initial_trials=2)
    whole = facts(run(opened(plan, tmp_path / "whole"), 4))
    run(opened(plan, tmp_path / "broken"), 1)
    run(opened(plan, tmp_path / "broken"), 3)
    assert facts(run(opened(plan, tmp_path / "broken"), 4)) == whole


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("after_writing", [False, True])
def test_killed_before_or_after_any_write_no_trial_is_lost_or_counted_twice(
    tmp_path, monkeypatch, after_writing
):
    plan = small_plan(LINE)
    whole = facts(run(opened(plan, tmp_path / "whole"), 3))
    write_json = oracle_module.write_json
    deaths = 0
    for writes in range(1, 100):
        left = [writes]

        def dying_write(path, values, left=left):
            left[0] -= 1
            if left[0] == 0 and not after_writing:
                raise Killed
            write_json(path, values)
            if left[0] == 0:
                raise Killed

        folder = tmp_path / f"killed_{writes}"
        monkeypatch.setattr(oracle_module, "write_json", dying_write)
        try:
            run(opened(plan, folder), 3)
        except Killed:
            deaths += 1
        monkeypatch.setattr(oracle_module, "write_json", write_json)
        assert facts(run(opened(plan, folder), 3)) == whole, f"killed at write {writes}"
        if left[0] > 0:
            break
    # The state once, then for each trial: itself and the state when it begins, itself when its
    # error is reported, itself and the state when it ends.
    assert deaths == 1 + 3 * 5


def test_what_was_reported_before_a_kill_is_not_averaged_with_what_comes_after(tmp_path):
    oracle = opened(small_plan(LINE), tmp_path)
    trial = oracle.next_trial()
    oracle.update_trial(trial.trial_id, {"val_mae": 8.0}, step=3)
    run(opened(small_plan(LINE), tmp_path), 1, lambda trial: Outcome(2.0, 3, 5))
    assert facts(opened(small_plan(LINE), tmp_path))[0][2] == 2.0


def test_values_that_were_tried_are_not_tried_again_and_the_search_ends_when_none_are_left(
    tmp_path,
):
    # The process itself would suggest 4, where the error is lowest, again and again.
    judge = lambda trial: Outcome(float(trial.hyperparameters.values["batch_size"]), 1, 1)  # noqa: E731
    oracle = run(opened(small_plan(FOUR_VALUES, initial_trials=2), tmp_path), 9, judge)
    tried = [trial.hyperparameters.values["batch_size"] for trial in oracle.finished]
    assert sorted(tried) == [4, 8, 16, 32]
    assert oracle.next_trial().status == "STOPPED"


def test_failed_trials_count_as_the_worst_and_errors_by_their_logarithm(tmp_path):
    outcomes = iter([Outcome(0.5, 1, 1), Outcome(None, None, 1, reason="lost"), Outcome(8.0, 1, 1)])
    oracle = run(opened(small_plan(LINE), tmp_path), 3, lambda trial: next(outcomes))
    places, errors = oracle._vectorize_trials()
    np.testing.assert_allclose(errors, np.log([0.5, 8.0, 8.0]))
    rates = [trial.hyperparameters.values["learning_rate"] for trial in oracle.finished]
    np.testing.assert_allclose(places[:, 0], (np.log10(rates) + 3) / 2)
    assert [trial.status for trial in oracle.finished] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert oracle.finished[1].message == "lost"


def test_the_process_avoids_the_place_where_trials_fail(tmp_path):
    def judge(trial):
        outcome = bowl(trial)
        failed = trial.hyperparameters.values["learning_rate"] > 0.02
        return Outcome(None, None, 1, reason="lost") if failed else outcome

    oracle = run(opened(small_plan(LINE, initial_trials=4), tmp_path), 9, judge)
    late = [trial.status for trial in oracle.finished[5:]]
    assert late == ["COMPLETED"] * 4


def test_many_failures_in_a_row_do_not_end_the_oracle_with_a_trace(tmp_path):
    judge = lambda trial: Outcome(None, None, 1, reason="lost")  # noqa: E731
    assert len(run(opened(small_plan(LINE), tmp_path), 5, judge).finished) == 5


def damage_state(folder):
    (folder / "oracle.json").write_text('{"ongoing_trials": {', encoding="utf-8")


def empty_state(folder):
    (folder / "oracle.json").write_text("{}", encoding="utf-8")


def remove_state(folder):
    (folder / "oracle.json").unlink()


def damage_trial(folder):
    (folder / "trial_0001" / "trial.json").write_text("[]", encoding="utf-8")


def remove_trial(folder):
    (folder / "trial_0001" / "trial.json").unlink()


def forget_trial(folder):
    path = folder / "oracle.json"
    state = json.loads(path.read_text())
    state["start_order"].pop()
    path.write_text(json.dumps(state), encoding="utf-8")


def strange_trial(folder):
    (folder / "trial_0001" / "trial.json").write_text('{"trial_id": 1}', encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (damage_state, "oracle.json: not readable"),
        (empty_state, "do not go together"),
        (remove_state, "oracle.json: not readable"),
        (damage_trial, "trial_0001/trial.json: not readable: expected an object"),
        (remove_trial, "do not go together"),
        (forget_trial, r"does not know trials \['0001'\]"),
        (strange_trial, "do not go together"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, damage, where):
    run(opened(small_plan(LINE), tmp_path), 2)
    damage(tmp_path)
    with pytest.raises(SettingsError, match=where) as error:
        opened(small_plan(LINE), tmp_path)
    assert "--overwrite" in str(error.value)
    assert "\n" not in str(error.value)
