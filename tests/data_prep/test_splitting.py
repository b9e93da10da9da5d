from collections import Counter

import numpy as np
import pytest

from data_prep.errors import SettingsError
from data_prep.splitting import SPLITS, split_samples

TEN_CELLS = [f"c{k}" for k in range(10) for _ in range(5)]


def sizes(split):
    return tuple(len(split[name]) for name in SPLITS)


def cells_of(split, cell_ids):
    return {name: {cell_ids[index] for index in split[name]} for name in SPLITS}


def test_the_papers_proportions():
    # 1240 * 94 / 124 = 940 of which a fifth is 188: 752 / 188 / 300.
    assert sizes(split_samples(["c0"] * 1240, "sample", 0)) == (752, 188, 300)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),  # 4 * 94 // 124 = 3
        (10, (6, 1, 3)),  # 7, of which 7 // 5 = 1
        (124, (76, 18, 30)),  # 94, of which 18
    ],
)
def test_sizes_of_small_sets(count, expected):
    assert sizes(split_samples(["c0"] * count, "sample", 0)) == expected


@pytest.mark.parametrize("mode", ["sample", "cell"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_splits_are_disjoint_complete_and_ascending(mode, seed):
    split = split_samples(TEN_CELLS, mode, seed)
    assert sorted(np.concatenate(list(split.values()))) == list(range(50))
    for indices in split.values():
        assert list(indices) == sorted(indices)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_cell_is_in_two_splits(seed):
    cells = cells_of(split_samples(TEN_CELLS, "cell", seed), TEN_CELLS)
    assert Counter(cell for names in cells.values() for cell in names) == Counter(set(TEN_CELLS))
    # 10 * 94 // 124 = 7 cells of which 1 for validation.
    assert [len(cells[name]) for name in SPLITS] == [6, 1, 3]


def test_a_cell_split_keeps_all_charges_of_a_cell_together_whatever_their_order():
    interleaved = [f"c{k % 4}" for k in range(12)]
    split = split_samples(interleaved, "cell", 0)
    assert sizes(split) == (6, 3, 3)
    for indices in split.values():
        assert Counter(interleaved[i] for i in indices).most_common()[-1][1] == 3


@pytest.mark.parametrize("mode", ["sample", "cell"])
def test_the_seed_decides(mode):
    def as_lists(seed):
        return {k: v.tolist() for k, v in split_samples(TEN_CELLS, mode, seed).items()}

    assert as_lists(5) == as_lists(5)
    assert as_lists(5) != as_lists(6)


def test_a_sample_split_is_shuffled_over_cells():
    cells = cells_of(split_samples(TEN_CELLS, "sample", 0), TEN_CELLS)
    assert cells["train"] & cells["test"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_samples(count):
    with pytest.raises(SettingsError, match=rf"cannot split {count} samples .*Give more samples\."):
        split_samples(["c0"] * count, "sample", 0)


def test_too_few_cells():
    with pytest.raises(SettingsError, match=r"cannot split 2 cells .*or --split sample\."):
        split_samples(["a", "a", "b", "b"], "cell", 0)
