"""Figures of a search, and the table that they are drawn from."""

import pytest

from data_prep.errors import SettingsError
from rcvae_tf.report.search_figures import (
    objective_figure,
    read_trials,
    running_best,
    slices_figure,
)

HEADER = "trial,status,val_mae,best_epoch,epochs,seconds"
TABLE = f"""{HEADER},num_hidden_layers,hidden_dim,learning_rate
1,FAILED,,,1,0.5,2,64,0.01
2,COMPLETED,0.5,3,5,2.5,16,128,0.001
3,COMPLETED,0.8,5,5,2.0,1,64,0.0005
4,COMPLETED,0.1,4,5,2.0,4,512,0.0001
"""


@pytest.fixture
def trials(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(TABLE, encoding="utf-8")
    return read_trials(path)


def test_numbers_are_numbers_and_what_a_failed_trial_lacks_is_none(trials):
    assert trials[0]["val_mae"] is None
    assert trials[0]["best_epoch"] is None
    assert trials[0]["status"] == "FAILED"
    assert (trials[1]["trial"], trials[1]["val_mae"], trials[1]["hidden_dim"]) == (2, 0.5, 128.0)


def test_the_lowest_error_begins_with_the_first_that_has_one_and_never_rises(trials):
    assert running_best(trials) == ([2, 3, 4], [0.5, 0.5, 0.1])
    assert running_best(trials[:1]) == ([], [])
    failed_last = [trials[1], {**trials[0], "trial": 5}]
    assert running_best(failed_last) == ([2, 5], [0.5, 0.5])


def points(line):
    return [(float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)]


def test_the_first_figure_shows_trials_the_lowest_so_far_and_failures(trials):
    (axis,) = objective_figure(trials).axes
    lines = {line.get_label(): points(line) for line in axis.get_lines()}
    assert lines["trial"] == [(2, 0.5), (3, 0.8), (4, 0.1)]
    assert lines["lowest so far"] == [(2, 0.5), (3, 0.5), (4, 0.1)]
    assert [x for x, _ in lines["failed: no error"]] == [1]
    assert axis.get_yscale() == "log"


def test_the_slices_have_a_panel_for_each_setting_with_its_own_scale(trials):
    axes = slices_figure(trials).axes
    names = ["num_hidden_layers", "hidden_dim", "learning_rate"]
    assert [axis.get_xlabel() for axis in axes] == names
    assert [axis.get_xscale() for axis in axes] == ["linear", "log", "log"]
    assert axes[1].collections[0].get_offsets().tolist() == [[128, 0.5], [64, 0.8], [512, 0.1]]
    assert axes[1].get_xticks().tolist() == [64, 128, 512]
    lines = {line.get_label(): points(line) for line in axes[2].get_lines()}
    assert lines["best (trial 4)"] == [(0.0001, 0.1)]
    assert [x for x, _ in lines["failed: no error"]] == [0.01]


def test_errors_close_together_are_drawn_on_a_linear_axis_that_has_numbers(trials):
    close = [{**row, "val_mae": 0.30 + 0.01 * row["trial"]} for row in trials]
    assert objective_figure(close).axes[0].get_yscale() == "linear"


def test_a_search_of_which_every_trial_failed_can_be_drawn(trials):
    assert len(slices_figure(trials[:1]).axes) == 3
    (axis,) = objective_figure(trials[:1]).axes
    assert axis.get_yticks().tolist() == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds no trial"),
        (f"{HEADER},hidden_dim\n", "holds no trial"),
        ("epoch,loss\n1,2\n", "holds epoch, loss"),
        (f"{HEADER},hidden_dim\n1,COMPLETED,nan,1,1,1,8\n", "`val_mae` is nan"),
        (f"{HEADER},hidden_dim\n1,COMPLETED,low,1,1,1,8\n", "could not convert"),
        (f"{HEADER},hidden_dim\n1,COMPLETED,0.1\n", "not as many cells"),
        (f"{HEADER},hidden_dim\n1,COMPLETED,0.1,1,1,1,8,9\n", "not as many cells"),
        ('"', "not readable"),
    ],
)
def test_a_table_of_something_else_is_one_line(tmp_path, text, fault):
    path = tmp_path / "trials.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=fault) as error:
        read_trials(path)
    assert "Expected the trials.csv of a search" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match="trials.csv: not readable"):
        read_trials(tmp_path / "trials.csv")
