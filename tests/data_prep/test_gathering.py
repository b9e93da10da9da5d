import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.cell_work import KeptCell
from data_prep.gathering import Gathering
from data_prep.records import SIGNALS, Condition
from data_prep.spool import rows_by_cell, spool_in
from tests.builders import a_cell

POINTS = 4


def curves_of(number, num_cycles):
    """Signal s of row r of cell n is the constant 100 n + 10 r + s."""
    values = 100.0 * number + 10.0 * np.arange(num_cycles)[:, None] + np.arange(5.0)
    return np.repeat(values[:, :, None], POINTS, axis=2).astype(np.float32)


def kept(cell_id, eol, cycles, has_temperature=True):
    return KeptCell(
        cell=a_cell(cell_id=cell_id, charge_policy="1C"),
        eol=eol,
        eol_source="file",
        cycles=cycles,
        has_temperature=(has_temperature,) * len(cycles),
        rejected=(),
        repairs={},
        policy_steps=np.ones((6, 2), np.float32),
    )


@pytest.fixture
def gathering(tmp_path):
    """Cells 2 and 5 of the spool: cycles 1, 2, 4 of one, 7 and 9 of the other."""
    spool = spool_in(tmp_path, POINTS)
    cells = {2: kept("a", 300, (1, 2, 4)), 5: kept("b", 700, (7, 9))}
    for number, cell in cells.items():
        spool.write(number, curves_of(number, len(cell.cycles)))
    return Gathering(cells, spool)


def test_samples_are_numbered_cell_by_cell(gathering):
    assert gathering.num_samples == 5
    assert gathering.cell_ids == ["a", "a", "a", "b", "b"]


def test_samples_of_ascending_indices(gathering):
    samples = list(gathering.samples(np.array([0, 2, 4])))
    assert [sample.condition for sample in samples] == [
        Condition(300, 1),
        Condition(300, 4),
        Condition(700, 9),
    ]
    assert [sample.cell_id for sample in samples] == ["a", "a", "b"]
    assert [sample.curves[3, 0] for sample in samples] == [203.0, 223.0, 513.0]
    assert all(sample.policy_steps.all() for sample in samples)


def test_no_samples_at_all(gathering):
    assert list(gathering.samples(np.array([], int))) == []


def test_a_temperature_that_one_cell_lacks_is_zero_in_all(gathering):
    gathering.cells[5] = kept("b", 700, (7, 9), has_temperature=False)
    assert gathering.without_temperature() == [("b", 2)]
    assert gathering.signals_present == tuple(n for n in SIGNALS if n != "temperature_degc")
    first, last = gathering.samples(np.array([0, 4]))
    assert_array_equal(first.curves[:, 0], [200, 201, 0, 203, 204])
    assert_array_equal(last.curves[:, 0], [510, 511, 0, 513, 514])


def test_rows_are_grouped_by_cell_in_order():
    numbers = np.array([2, 2, 5, 7, 7]), np.array([0, 2, 1, 0, 3])
    groups = [(n, rows.tolist()) for n, rows in rows_by_cell(*numbers)]
    assert groups == [(2, [0, 2]), (5, [1]), (7, [0, 3])]


def test_a_spool_is_removed_with_all_that_is_in_it(gathering, tmp_path):
    gathering.spool.remove()
    assert list(tmp_path.iterdir()) == []
