import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep import cell_work
from data_prep.cell_work import charges_of_cell, read_and_spool, work_on
from data_prep.config import PrepConfig
from data_prep.errors import SourceError, UnitError
from data_prep.records import DroppedCell
from data_prep.sources.base import CellPlace
from data_prep.spool import spool_in
from tests.builders import a_cell, constant_charge

SMALL = {"source": "matr", "height": 2, "width": 3}


class OneCellSource:
    """A reader that gives the same cell, or the same error, for every place."""

    def __init__(self, cell):
        self.cell = cell

    def read_cell(self, place, options):
        if isinstance(self.cell, Exception):
            raise self.cell
        return self.cell


@pytest.fixture
def read_one(tmp_path, monkeypatch):
    spool = spool_in(tmp_path, num_points=6)

    def read_one(cell, **options):
        monkeypatch.setattr(cell_work, "source", lambda name: OneCellSource(cell))
        place = CellPlace("c0", tmp_path / "a.mat")
        return read_and_spool((7, place), PrepConfig(**SMALL, **options), spool), spool

    return read_one


def test_a_cell_becomes_rows_in_the_spool(read_one):
    cold = {"temperature_degc": None}
    cycles = [
        constant_charge(1),
        constant_charge(3, voltage_v=np.linspace(3.1, 3.6, 61), **cold),
        constant_charge(4, voltage_v=np.linspace(3.2, 3.6, 61), **cold),
    ]
    outcome, spool = read_one(a_cell(cycles, charge_policy="1C"))
    assert outcome.cycles == (1, 3, 4)
    assert outcome.has_temperature == (True, False, False)
    assert outcome.eol == 500
    curves = spool.read(7)
    assert curves.shape == (3, 5, 6)
    assert_allclose(curves[0, 2], [25.0, 26.2, 27.4, 28.6, 29.8, 31.0], rtol=1e-6)
    assert_array_equal(curves[1, 2], np.zeros(6))
    assert_array_equal(outcome.policy_steps, np.ones((6, 2)))


def test_what_came_of_a_cell_can_be_sent_to_another_process(read_one):
    outcome, _ = read_one(a_cell([constant_charge(1)]))
    copy = pickle.loads(pickle.dumps(outcome))
    assert copy.cell.cell_id == "c0"
    assert list(copy.cell.read_cycles(9)) == []


def test_a_text_that_is_no_policy_is_kept_with_a_note(read_one):
    outcome, _ = read_one(a_cell([constant_charge(1)], charge_policy="fast"))
    assert outcome.cell.charge_policy == "fast"
    assert outcome.cell.notes == ("charge policy 'fast' kept as text: not read as rates",)
    assert not outcome.policy_steps.any()


def test_a_cell_that_cannot_be_read_comes_as_dropped(read_one):
    outcome, _ = read_one(SourceError("a.mat: torn"))
    assert outcome == DroppedCell("c0", "a.mat", "unreadable", "a.mat: torn")


def test_a_cell_that_cannot_be_read_midway_leaves_nothing(read_one):
    def read_cycles(last):
        yield constant_charge(1)
        raise SourceError("a.mat: c0 cycle 2: torn")

    outcome, spool = read_one(a_cell(read_cycles=read_cycles, last_cycle=2))
    assert (outcome.reason, outcome.detail) == ("unreadable", "a.mat: c0 cycle 2: torn")
    assert list(spool.directory.iterdir()) == []


def test_contradicting_units_are_no_bad_file(read_one):
    amperes = constant_charge(1, current_c_rate=np.full(61, 1.1))
    with pytest.raises(UnitError, match="1.1 times"):
        read_one(a_cell([amperes]))


@pytest.mark.parametrize("cell", [a_cell(last_cycle=800), SourceError("torn")])
def test_an_excluded_cell_is_not_read(read_one, cell):
    outcome, _ = read_one(cell, exclude=("c0",))
    assert outcome.reason == "excluded"
    assert outcome.num_cycles == (0 if isinstance(cell, SourceError) else 100)


def test_cycles_of_a_cell_that_the_source_drops_count_up_to_those_asked_for():
    dropped = DroppedCell("b1c8", "b1.mat", "known_defect", "noisy channel", num_cycles=900)
    outcome, _ = work_on(dropped, PrepConfig(cycles=100))
    assert outcome.num_cycles == 100


def test_a_cell_without_an_end_of_life_counts_the_cycles_asked_for():
    cell = a_cell([constant_charge(n, hours=1 + n / 100) for n in (1, 2, 3)], eol_cycles=None)
    outcome, _ = work_on(cell, PrepConfig(cycles=2))
    assert (outcome.reason, outcome.num_cycles) == ("eol_not_reached", 2)


def test_charges_and_rejections_of_one_cell():
    nan = np.full(61, np.nan)
    cycles = [
        constant_charge(1),
        constant_charge(2, points=15),
        constant_charge(3, voltage_v=nan),
        constant_charge(4, current_c_rate=np.zeros(61)),
        constant_charge(5, points=60),
    ]
    charges, rejected = charges_of_cell(a_cell(cycles), last=4)
    assert list(charges) == [1]
    assert [(number, why.reason) for number, why in rejected] == [
        (2, "too_few_points"),
        (3, "not_finite"),
        (4, "no_charge"),
    ]
