"""Train on synthetic, test on real, on made cells of which the answer is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rcvae_tf.assessment import regressors
from rcvae_tf.assessment.adherence import adherence
from rcvae_tf.assessment.regressors import RIDGE_WEIGHTS, fitted, folds_of_cells
from rcvae_tf.assessment.usefulness import (
    Task,
    augmentation,
    folds_of,
    integral_leak,
    transfer,
)


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(regressors, "NUM_TREES", 5)


CELLS = np.repeat([f"c{number}" for number in range(10)], 20)


def made_task(seed, slope=2.0, noise=0.05):
    rng = np.random.default_rng(seed)
    levels = np.repeat(np.random.default_rng(99).normal(size=10), 20)
    inputs = np.stack([levels, rng.normal(size=200)], axis=1)
    return Task(inputs, slope * levels + noise * rng.normal(size=200), CELLS)


def transferred(**sources):
    repetitions = folds_of(np.unique(CELLS), np.unique(CELLS), 0)
    return transfer({"reference": made_task(0), **sources}, made_task(5), repetitions, 0)


def test_a_second_real_half_has_the_whole_score():
    found = transferred(real=made_task(1))
    assert found["regressor"] == "ridge"
    assert_allclose(found["share_of_real"]["real"], 1.0, atol=0.01)
    assert found["share_of_real"]["reference"] == 1.0


def test_synthetic_charges_of_another_law_teach_nothing():
    found = transferred(generated=made_task(1, slope=-2.0))
    assert found["share_of_real"]["generated"] < 0
    assert found["scores"]["ridge"]["generated"]["mae"] > found["guess_mae"]


def test_there_is_no_share_where_real_charges_teach_nothing():
    rng = np.random.default_rng(0)
    noise = Task(rng.normal(size=(200, 2)), rng.normal(size=200), CELLS)
    repetitions = folds_of(np.unique(CELLS), np.unique(CELLS), 0)
    found = transfer({"reference": noise}, made_task(5), repetitions, 0)
    assert found["share_of_real"] == {"reference": None}


def test_folds_of_a_sample_split_hold_every_cell_out_once_in_each_repetition():
    cells = np.array(["a", "b", "c", "d", "e", "f"])
    repetitions = folds_of(cells, cells[:2], 0)
    assert len(repetitions) == 3
    for folds in repetitions:
        assert sorted(np.concatenate([asked for _, asked in folds])) == list(cells)
        assert all(not set(known) & set(asked) for known, asked in folds)


def test_folds_of_a_cell_split_are_the_split():
    known, asked = np.array(["a", "b"]), np.array(["c"])
    ((fold,),) = folds_of(known, asked, 0)
    assert fold == (known, asked)


def test_no_cell_is_on_both_sides_of_a_fold():
    for known, asked in folds_of_cells(CELLS, seed=3):
        assert not set(CELLS[known]) & set(CELLS[asked])


def test_adding_charges_of_all_cells_helps_few_real_ones_and_not_many():
    repetitions = folds_of(np.unique(CELLS), np.unique(CELLS), 0)
    found = augmentation(
        made_task(0, noise=0.3), {"real": made_task(1)}, made_task(5), repetitions, 0
    )
    assert found["cells"] == [1, 2, 3, 5, 8]
    none, added = found["curves"]["none"], found["curves"]["real"]
    assert added[0]["mae"] < 0.5 * none[0]["mae"]
    assert added[0]["share_better"] == 1.0
    assert_allclose(added[-1]["mae"], none[-1]["mae"], rtol=0.2)


def test_the_weight_of_the_ridge_is_chosen_on_cells_left_out():
    # Within each cell the slope is 1, between cells it is -1: a cell left out shows that.
    levels = np.repeat(np.arange(10.0), 20)
    within = np.tile(np.linspace(-0.4, 0.4, 20), 10)
    one = fitted("ridge", (levels + within)[:, None], within - levels, CELLS, 0)
    assert one.predict([[20.0]])[0] < -15.0


def test_one_cell_takes_the_heaviest_weight_and_gives_its_mean():
    rng = np.random.default_rng(0)
    inputs, target = rng.normal(size=(20, 2)), np.arange(20.0)
    one = fitted("ridge", inputs, target, np.repeat("c0", 20), 0)
    assert one[-1].alpha == RIDGE_WEIGHTS[-1]
    assert_allclose(one.predict([[50.0, -50.0]]), 9.5, atol=0.1)


def test_the_leak_of_the_integral_is_the_squared_correlation():
    assert_allclose(integral_leak(np.array([0.0, 1.0, 2.0]), np.array([5.0, 3.0, 1.0])), 1.0)
    assert integral_leak(np.ones(3), np.array([5.0, 3.0, 1.0])) == 0.0


def test_adherence_of_charges_of_another_condition_is_their_distance():
    labels = np.stack([np.repeat([400, 800], 50), np.tile(np.arange(1, 51), 2)], axis=1)
    inputs = labels @ [[1.0], [1e-3]]
    wrong = inputs + 400  # as if every EOL of 400 were read as 800
    cells = np.repeat(["a", "b"], 50)
    found = adherence(inputs, labels, cells, {"real": inputs, "generated": wrong}, labels, 0)
    assert found["eol"]["mae"]["real"] == 0.0
    assert_allclose(found["eol"]["mae"]["generated"], 200.0)  # half of them are 800 already
    assert found["eol"]["guess"] == 200.0
    assert found["ecl"]["guess"] == 12.5
