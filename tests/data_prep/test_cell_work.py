import dataclasses
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep import cell_work
from data_prep.cell_work import charges_of_cell, read_and_spool, work_on
from data_prep.config import PrepConfig
from data_prep.errors import SettingsError, SourceError
from data_prep.records import Cycle, DroppedCell
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


def test_a_cell_whose_units_contradict_one_another_does_not_stop_the_others(read_one):
    amperes = constant_charge(1, current_c_rate=np.full(61, 1.1))
    outcome, _ = read_one(a_cell([amperes]))
    assert (outcome.reason, outcome.source_file) == ("unreadable", "made.mat")
    assert outcome.num_cycles == 1
    assert "adds up to 1.1 times the measured charge capacity" in outcome.detail


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
    charges, rejected, notes = charges_of_cell(a_cell(cycles), last=4)
    assert notes == ()
    assert list(charges) == [1]
    assert [(number, why.reason) for number, why in rejected] == [
        (2, "too_few_points"),
        (3, "not_finite"),
        (4, "no_charge"),
    ]


def joined(number, *parts):
    """A cycle of parts of current (C) and voltage (V) at steps of a minute; a pause is 0 C."""
    current_c_rate = np.concatenate([np.full(minutes, c_rate) for minutes, c_rate, _ in parts])
    voltage_v = np.concatenate([np.linspace(*ends, minutes) for minutes, _, ends in parts])
    return Cycle(number, 60.0 * np.arange(current_c_rate.size), voltage_v, current_c_rate)


UP, DOWN, REST = (3.0, 3.6), (3.6, 3.0), (3.4, 3.4)


def charged(cycle, **facts):
    """The charges of a cell of one cycle."""
    return charges_of_cell(a_cell([cycle], nominal_capacity_ah=1.0, **facts), last=99)


def test_a_constant_voltage_stage_whose_clock_starts_again_is_not_lost_to_a_later_charge():
    cycle = joined(1, (50, 1.0, UP), (30, 0.5, (3.6, 3.6)), (60, -1.0, DOWN), (20, 1.0, UP))
    time_s = cycle.time_s.copy()
    time_s[50:] -= time_s[50]
    result = charged(dataclasses.replace(cycle, time_s=time_s))
    assert [(number, why.reason) for number, why in result.rejected] == [(1, "time_backwards")]


def test_a_second_charge_in_a_cycle_is_left_out_and_said():
    result = charged(joined(1, (61, 1.0, UP), (61, -1.0, DOWN), (31, 1.0, UP)))
    assert_allclose(result.charges[1].charge_capacity_ah[-1], 1.0)
    assert_allclose(result.charges[1].left_out_ah, [0.5])


def test_other_charges_go_with_what_came_of_the_cell(read_one):
    cycle = joined(1, (61, 1.0, UP), (61, -1.0, DOWN), (31, 1.0, UP))
    outcome, _ = read_one(a_cell([cycle], nominal_capacity_ah=2.0))
    assert outcome.left_out_ah == {1: (pytest.approx(1.0),)}


def test_a_top_up_after_a_day_of_rest_does_not_stretch_the_charge():
    result = charged(joined(1, (61, 1.0, UP), (1440, 0.0, REST), (3, 0.1, (3.6, 3.6))))
    charge = result.charges[1]
    assert charge.time_s[-1] == 3600.0
    # Two minutes at 0.1 C.
    assert_allclose(charge.left_out_ah, [0.1 / 30])


def with_nan(name, samples, value=np.nan):
    values = getattr(constant_charge(1), name).copy()
    values[samples] = value
    return constant_charge(1, **{name: values})


def test_a_temperature_read_every_tenth_row_is_interpolated_and_counted():
    cycle = with_nan("temperature_degc", np.arange(61) % 10 != 0)
    result = charges_of_cell(a_cell([cycle]), last=1)
    assert result.charges[1].repairs == ("temperature_interpolated",)
    # It rises evenly.
    assert_allclose(result.charges[1].temperature_degc, constant_charge(1).temperature_degc)


@pytest.mark.parametrize(
    ("lost", "repair"),
    [
        (slice(20, 39), "temperature_interpolated"),
        (slice(20, 40), "temperature_left_out"),
        (slice(0, 19), "temperature_interpolated"),
        (slice(0, 20), "temperature_left_out"),
        (slice(41, 61), "temperature_left_out"),
    ],
)
def test_a_temperature_lost_for_20_samples_is_left_out_and_counted(lost, repair):
    result = charges_of_cell(a_cell([with_nan("temperature_degc", lost)]), last=1)
    assert result.charges[1].repairs == (repair,)
    absent = repair == "temperature_left_out"
    assert (result.charges[1].temperature_degc is None) == absent


def test_nan_in_the_discharge_does_not_reject_the_charge():
    cycle = joined(1, (61, 1.0, UP), (9, 0.0, REST), (61, -1.0, DOWN))
    series = {
        name: getattr(cycle, name).copy() for name in ("voltage_v", "current_c_rate", "time_s")
    }
    counter_ah = np.interp(series["time_s"], [0, 3600], [0.0, 1.0])
    temperature_degc = 25.0 + 0.01 * np.arange(131)
    for values in (series["voltage_v"], series["current_c_rate"], counter_ah, temperature_degc):
        values[[80, 130]] = np.nan
    cycle = Cycle(1, **series, temperature_degc=temperature_degc, charge_capacity_ah=counter_ah)
    result = charged(cycle)
    assert result.rejected == []
    assert (result.charges[1].time_s.size, result.charges[1].repairs) == (61, ())


def test_a_discharge_with_nan_in_its_current_still_separates_two_charges():
    cycle = joined(1, (61, 1.0, UP), (61, -1.0, DOWN), (31, 1.0, UP))
    current_c_rate = cycle.current_c_rate.copy()
    current_c_rate[90] = np.nan
    charge = charged(dataclasses.replace(cycle, current_c_rate=current_c_rate)).charges[1]
    assert (charge.time_s[-1], charge.left_out_ah) == (3600.0, (pytest.approx(0.5),))


def test_a_smaller_charge_with_nan_in_its_current_is_the_one_left_out():
    cycle = joined(1, (31, 1.0, UP), (61, -1.0, DOWN), (61, 1.0, UP))
    current_c_rate = cycle.current_c_rate.copy()
    current_c_rate[15] = np.nan
    charge = charged(dataclasses.replace(cycle, current_c_rate=current_c_rate)).charges[1]
    # A minute of it is not known.
    assert_allclose(charge.left_out_ah, [29 / 60])
    assert charge.time_s[-1] == 3600.0


@pytest.mark.parametrize("name", ["voltage_v", "current_c_rate", "charge_capacity_ah"])
def test_nan_in_the_charge_rejects_it(name):
    result = charges_of_cell(a_cell([with_nan(name, 30)]), last=1)
    assert [why.reason for _, why in result.rejected] == ["not_finite"]


def test_a_set_point_for_a_temperature_is_left_out_with_a_note(read_one):
    cycles = [
        constant_charge(n, hours=1 + n / 100, temperature_degc=np.full(61, 25.0)) for n in (1, 2)
    ]
    outcome, _ = read_one(a_cell(cycles))
    assert outcome.has_temperature == (False, False)
    assert outcome.cell.notes == (
        "temperature left out, stays at 25 degC in 2 of 2 charges, such as that of cycle 1",
    )


def pulsed(counts_both):
    """1 C, but for six pulses of two minutes that take 0.3 C out."""
    current_c_rate = np.ones(100)
    for start in range(5, 95, 15):
        current_c_rate[start : start + 2] = -0.3
    steps_ah = (current_c_rate[1:] + current_c_rate[:-1]) / 120
    if not counts_both:
        positive = np.maximum(current_c_rate, 0.0)
        steps_ah = (positive[1:] + positive[:-1]) / 120
    counter_ah = np.concatenate([[0.0], np.cumsum(steps_ah)])
    return Cycle(
        1, 60.0 * np.arange(100), np.linspace(3.0, 3.6, 100), current_c_rate, None, counter_ah
    )


@pytest.mark.parametrize("counts_both", [True, False])
def test_pulses_in_a_charge_agree_with_a_counter_of_charge_and_one_of_both_directions(counts_both):
    result = charged(pulsed(counts_both))
    assert result.rejected == []
    charge = result.charges[1]
    assert_allclose(charge.integrated_capacity_ah, charge.charge_capacity_ah, rtol=1e-12)


def test_a_pulse_in_a_charge_without_a_counter_does_not_reject_it():
    cycle = dataclasses.replace(pulsed(counts_both=True), charge_capacity_ah=None)
    assert charged(cycle).rejected == []


def test_a_charge_to_half_is_kept_where_the_user_leaves_the_rule_out():
    cycles = [constant_charge(n, hours=1.0 + n / 1000) for n in range(1, 8)]
    cycles[3] = constant_charge(4, hours=0.5)
    _, rejected, _ = charges_of_cell(a_cell(cycles), last=9)
    assert [(number, why.reason) for number, why in rejected] == [(4, "partial_charge")]
    assert charges_of_cell(a_cell(cycles), 9, ("partial_charge",)).rejected == []


@pytest.mark.parametrize("name", ["nonsense", "not_finite", "too_few_points", "time_backwards"])
def test_rules_that_are_none_or_that_the_grid_needs_cannot_be_left_out(name):
    with pytest.raises(SettingsError, match=f"`without_rules` must be among .* Received: {name}"):
        PrepConfig(**SMALL, without_rules=("gap", name))


def test_cycles_with_gaps_in_their_numbers_are_counted_as_on_record(read_one):
    cell = a_cell(last_cycle=96, cycle_numbers=tuple(range(8, 97, 8)))
    outcome, _ = read_one(cell, exclude=("c0",), cycles=50)
    assert outcome.num_cycles == 6
    assert dataclasses.replace(cell, cycle_numbers=None).num_cycles(50) == 50


def test_notes_of_a_cell_without_an_end_of_life_are_kept(read_one):
    outcome, _ = read_one(a_cell([constant_charge(1)], eol_cycles=None, notes=("sign turned",)))
    assert outcome.notes == ("sign turned",)


@pytest.mark.parametrize(("eol_cycles", "source"), [(500, "file"), (None, "last_cycle")])
def test_a_life_that_is_not_on_record_is_said_to_be_none(read_one, eol_cycles, source):
    cell = a_cell([constant_charge(1)], eol_cycles=eol_cycles)
    outcome, _ = read_one(cell, eol_fallback="last")
    assert outcome.eol_source == source
    assert (cell_work.NO_LIFE_ON_RECORD in outcome.cell.notes) == (source == "last_cycle")
