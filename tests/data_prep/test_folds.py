from collections import Counter

import numpy as np
import pytest

from data_prep.config import PrepConfig
from data_prep.dataset_card import read_card
from data_prep.errors import SettingsError
from data_prep.pipeline import prepare
from data_prep.shards import read_split
from data_prep.splitting import SPLITS, split_fold
from tests.builders import matr_cell, write_matr_like

# Three policies of five cells: 0a, 0b, 0c, 1a, 1b, ... with two charges each.
FIFTEEN = [f"{k}{policy}" for k in range(5) for policy in "abc" for _ in range(2)]
POLICY = {cell_id: (float(ord(cell_id[1])),) for cell_id in FIFTEEN}


def cells_of(cell_ids, policies, folds, fold, seed=0):
    split = split_fold(cell_ids, policies, folds, fold, seed)
    return {name: sorted({cell_ids[index] for index in split[name]}) for name in SPLITS}


def test_a_fold_of_five_tests_one_cell_of_each_of_three_policies_in_order_of_their_names():
    tested = [cells_of(FIFTEEN, POLICY, 5, fold)["test"] for fold in range(1, 6)]
    assert tested == [[f"{k}a", f"{k}b", f"{k}c"] for k in range(5)]


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("fold", [1, 2, 3, 4, 5])
def test_a_fifth_of_the_other_cells_validates_each_of_another_policy(fold, seed):
    cells = cells_of(FIFTEEN, POLICY, 5, fold, seed)
    # 12 are left: 12 // 5 = 2.
    assert [len(cells[name]) for name in SPLITS] == [10, 2, 3]
    assert len({POLICY[name] for name in cells["validation"]}) == 2
    assert Counter(name for names in cells.values() for name in names) == Counter(set(FIFTEEN))


def test_every_charge_is_in_one_split_in_ascending_order():
    split = split_fold(FIFTEEN, POLICY, 4, 2, 0)
    assert sorted(np.concatenate(list(split.values()))) == list(range(30))
    for indices in split.values():
        assert list(indices) == sorted(indices)


@pytest.mark.parametrize("folds", [2, 3, 4, 6, 7, 10])
def test_folds_test_every_cell_once_and_are_equal_in_size_but_for_one_cell(folds):
    # Policies of 1, 2, 3 and 4 cells: dealing each from the first fold on would load that one.
    policies = {f"{k}{i}": (float(k),) for k in range(1, 5) for i in range(k)}
    tested = [cells_of(sorted(policies), policies, folds, k + 1)["test"] for k in range(folds)]
    assert sorted(name for names in tested for name in names) == sorted(policies)
    assert {len(names) for names in tested} <= {10 // folds, -(-10 // folds)}


def test_cells_of_unknown_policy_are_dealt_among_themselves():
    policies = {"a": (0.0,), "b": (5.0,), "c": (0.0,), "d": (5.0,)}
    tested = [cells_of("abcd", policies, 2, fold)["test"] for fold in (1, 2)]
    assert tested == [["a", "b"], ["c", "d"]]


def test_the_seed_chooses_the_validation_and_not_the_test():
    def drawn(name):
        return {tuple(cells_of(FIFTEEN, POLICY, 5, 1, seed)[name]) for seed in range(10)}

    assert len(drawn("test")) == 1
    assert len(drawn("validation")) > 3
    assert {name[1] for names in drawn("validation") for name in names} == set("abc")
    assert cells_of(FIFTEEN, POLICY, 5, 1, 7) == cells_of(FIFTEEN, POLICY, 5, 1, 7)


def test_the_order_of_the_charges_does_not_matter():
    assert cells_of(FIFTEEN[::-1], POLICY, 5, 3) == cells_of(FIFTEEN, POLICY, 5, 3)


def test_three_cells_in_three_folds_are_the_fewest():
    policies = dict.fromkeys("abc", (0.0,))
    cells = cells_of("abc", policies, 3, 2)
    assert cells["test"] == ["b"]
    assert sorted(cells["train"] + cells["validation"]) == ["a", "c"]


def test_more_folds_than_cells():
    message = r"cannot deal 15 cells into 16 folds.*Received: folds=16\. .*fewer --folds\."
    with pytest.raises(SettingsError, match=message):
        split_fold(FIFTEEN, POLICY, 16, 1, 0)


def test_a_fold_that_leaves_one_cell_to_learn_from():
    message = r"fold 1 of 2 tests 2 of 3 cells: need 2 or more others"
    with pytest.raises(SettingsError, match=message):
        split_fold("abc", dict.fromkeys("abc", (0.0,)), 2, 1, 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 5, "fold": 1}, "need --split cell. Received: split=sample"),
        ({"fold": 1}, "need --split cell. Received: split=sample"),
        ({"split": "cell", "folds": 5}, "belong together.*Received: folds=5, fold=None"),
        ({"split": "cell", "fold": 2}, "belong together.*Received: folds=None, fold=2"),
        ({"split": "cell", "folds": 5, "fold": 6}, "from 1 to 5, .*Received: fold=6"),
        ({"split": "cell", "folds": 5, "fold": 0}, "integer of 1 or more. Received: fold=0"),
        ({"split": "cell", "folds": 1, "fold": 1}, "integer of 2 or more. Received: folds=1"),
    ],
)
def test_settings_of_folds_that_do_not_fit(settings, message):
    with pytest.raises(SettingsError, match=message):
        PrepConfig(**settings)


def test_settings_of_folds_that_fit():
    assert PrepConfig(split="cell", folds=5, fold=5).fold == 5
    assert (PrepConfig().folds, PrepConfig().fold) == (None, None)


def test_a_prepared_fold_holds_out_a_cell_of_each_policy_and_says_so(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "in").mkdir()
    # By the numbers of the policy, not by its text: the first two and the last two are alike.
    policies = ("4C(80%)-4C", "4C", "4.8C(80%)", "4.8C(80%)", "4C(80%)-4C", "4C")
    cells = [matr_cell(1, cycle_life=300.0 + k, policy=text) for k, text in enumerate(policies)]
    path = write_matr_like(tmp_path / "in" / "lab.mat", cells)
    output = tmp_path / "out"
    prepare(
        PrepConfig(
            source="matr",
            input=str(path),
            output=str(output),
            height=2,
            width=3,
            split="cell",
            folds=2,
            fold=2,
        )
    )
    card = read_card(output)
    assert (card.preparation["folds"], card.preparation["fold"]) == (2, 2)
    tested = read_split(output, card, "test")
    # Sorted by policy: 4C of c1 and c5, then 4C to 80 % of c0 and c4, then c2 and c3.
    assert set(tested["cell_id"]) == {b"lab_c5", b"lab_c4", b"lab_c3"}
    assert [card.num_samples(name) for name in SPLITS] == [2, 1, 3]
