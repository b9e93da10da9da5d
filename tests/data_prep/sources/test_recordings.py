import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SourceError
from data_prep.sources.cycler.cell_facts import CellFacts
from data_prep.sources.cycler.recordings import (
    CYCLE_0_LEFT_OUT,
    NUMBERED_FROM_0,
    Recording,
    recorded_cell,
)
from data_prep.sources.cycler.tables import Table
from data_prep.sources.cycler.units import UNITS, Column

COUNTED = "cycles: counted from the current, not numbered in the file"
INTEGRAL = "discharge capacity: the integral of the current"
KINDS = {"t": "time_s", "V": "voltage_v", "I": "current_a", "n": "cycle"} | {
    "T": "temperature_degc",
    "Qc": "capacity_ah",
    "Qd": "capacity_ah",
}
NAMES = {"Qc": "charge_capacity_ah", "Qd": "discharge_capacity_ah"}


def two_cycles(**columns):
    """A 2 Ah cell, a row each half hour: rest, charge at 1 C, rest, discharge at 0.5 C, rest."""
    current_a = np.tile([0.0, 2.0, 2.0, 2.0, 0.0, -1.0, -1.0, -1.0, 0.0], 2)
    voltage_v = np.tile([3.0, 3.2, 3.6, 4.0, 3.9, 3.8, 3.5, 3.1, 3.2], 2)
    series = {"t": 1800.0 * np.arange(18), "V": voltage_v, "I": current_a}
    return pd.DataFrame(series | {"n": np.repeat([1, 2], 9)} | columns)


@pytest.fixture(params=["csv", "parquet"])
def cell_of(request, tmp_path):
    """Makes a cell of a table in a file of either kind."""

    def make(frame, facts=None, units=None):
        path = tmp_path / f"c0.{request.param}"
        if request.param == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path, row_group_size=4)
        columns = {}
        for name in frame.columns:
            kind = UNITS[KINDS[name]]
            unit = kind[(units or {}).get(name, next(iter(kind)))]
            columns[NAMES.get(name, KINDS[name])] = Column(name, unit)
        return recorded_cell(Recording("c0", Table(path), columns, 2.0), facts or CellFacts())

    return make


def cycles_of(cell, last=10**6):
    return list(cell.read_cycles(last))


def test_cycles_come_apart_with_amperes_as_c_rate(cell_of):
    cell = cell_of(two_cycles(T=25.0 + np.arange(18), Qc=np.arange(18) / 10))
    first, second = cycles_of(cell)
    assert (cell.last_cycle, first.number, second.number) == (2, 1, 2)
    assert_array_equal(first.time_s, 1800.0 * np.arange(9))
    assert_array_equal(first.voltage_v, [3.0, 3.2, 3.6, 4.0, 3.9, 3.8, 3.5, 3.1, 3.2])
    assert_array_equal(second.current_c_rate, [0.0, 1.0, 1.0, 1.0, 0.0, -0.5, -0.5, -0.5, 0.0])
    assert_array_equal(second.temperature_degc, 34.0 + np.arange(9))
    assert_array_equal(second.charge_capacity_ah, np.arange(9, 18) / 10)


def test_what_was_not_measured_is_none(cell_of):
    cycle = cycles_of(cell_of(two_cycles()))[0]
    assert (cycle.temperature_degc, cycle.charge_capacity_ah) == (None, None)


def test_an_empty_column_was_not_measured(cell_of):
    cycle = cycles_of(cell_of(two_cycles(T=np.nan, Qc=np.nan)))[0]
    assert (cycle.temperature_degc, cycle.charge_capacity_ah) == (None, None)


def test_a_gap_in_a_column_is_passed_on(cell_of):
    temperature = np.where(np.arange(18) == 3, np.nan, 25.0)
    assert np.isnan(cycles_of(cell_of(two_cycles(T=temperature)))[0].temperature_degc).sum() == 1


def test_cycles_after_the_last_asked_for_are_not_made(cell_of):
    cell = cell_of(two_cycles())
    assert [cycle.number for cycle in cycles_of(cell, last=1)] == [1]
    assert cycles_of(cell, last=0) == []


def test_cycle_numbers_keep_their_gaps(cell_of):
    cell = cell_of(two_cycles(n=np.repeat([3, 7], 9)))
    assert [cycle.number for cycle in cycles_of(cell)] == [3, 7]
    assert [cycle.number for cycle in cycles_of(cell, last=6)] == [3]
    assert cell.last_cycle == 7


def test_units_of_the_file_become_ours(cell_of):
    factors = {"t": 3600.0, "V": 1e-3, "I": 1e-3}
    frame = two_cycles(T=298.15 + np.arange(18.0), Qc=100.0 * np.arange(18))
    for name, factor in factors.items():
        frame[name] = frame[name] / factor
    cell = cell_of(frame, units={"t": "h", "V": "mV", "I": "mA", "T": "K", "Qc": "mAh"})
    cycle = cycles_of(cell)[0]
    np.testing.assert_allclose(cycle.time_s, 1800.0 * np.arange(9), rtol=1e-12)
    np.testing.assert_allclose(cycle.voltage_v[:4], [3.0, 3.2, 3.6, 4.0], rtol=1e-12)
    np.testing.assert_allclose(cycle.current_c_rate[3:6], [1.0, 0.0, -0.5], rtol=1e-12)
    np.testing.assert_allclose(cycle.temperature_degc, 25.0 + np.arange(9), rtol=1e-12)
    np.testing.assert_allclose(cycle.charge_capacity_ah, np.arange(9) / 10, rtol=1e-12)


def test_a_current_that_is_negative_on_charge_is_turned_round(cell_of):
    frame = two_cycles()
    frame["I"] = -frame["I"]
    cell = cell_of(frame)
    assert cell.notes == (
        "current: negative on charge in the file (the voltage tells), turned round",
        INTEGRAL,
    )
    assert_array_equal(cycles_of(cell)[0].current_c_rate[1:6], [1.0, 1.0, 1.0, 0.0, -0.5])
    assert list(cell.discharge_capacity_ah) == [1, 2]


@pytest.mark.parametrize("frame", [two_cycles(n=np.nan), two_cycles().drop(columns="n")])
def test_cycles_without_numbers_are_counted(cell_of, frame):
    cell = cell_of(frame)
    assert cell.notes == (COUNTED, INTEGRAL)
    # A cycle ends with the last sample of its discharge.
    assert [cycle.time_s.size for cycle in cycles_of(cell)] == [8, 10]
    assert [cycle.time_s.size for cycle in cycles_of(cell, last=1)] == [8]


@pytest.mark.parametrize("number", [0, 1])
def test_one_number_throughout_several_cycles_is_no_number(cell_of, number):
    cell = cell_of(two_cycles(n=number))
    assert cell.notes[0] == f"cycles: counted from the current, n is {number} throughout"
    assert [cycle.number for cycle in cycles_of(cell)] == [1, 2]


def test_cycle_1_alone_is_kept_without_a_note(cell_of):
    cell = cell_of(two_cycles(n=1).iloc[:9])
    assert (cell.last_cycle, cell.notes) == (1, (INTEGRAL,))


def test_cycle_0_alone_is_counted_as_1(cell_of):
    cell = cell_of(two_cycles(n=0).iloc[:9])
    assert cell.notes[0] == "cycles: counted from the current, n is 0 throughout"
    assert [cycle.number for cycle in cycles_of(cell)] == [1]


def test_one_cycle_cut_out_of_a_longer_record_keeps_its_number(cell_of):
    cell = cell_of(two_cycles(n=12))
    assert cell.notes == (INTEGRAL,)
    assert [cycle.number for cycle in cycles_of(cell)] == [12]


def test_cycles_numbered_from_0_are_numbered_from_1_where_cycle_0_holds_a_charge(cell_of):
    cell = cell_of(two_cycles(n=np.repeat([0, 1], 9)))
    assert cell.notes == (NUMBERED_FROM_0, INTEGRAL)
    assert [cycle.number for cycle in cycles_of(cell)] == [1, 2]
    assert (cell.last_cycle, cell.cycle_numbers) == (2, None)
    assert list(cell.discharge_capacity_ah) == [1, 2]


@pytest.mark.parametrize(("charged_ah", "numbers"), [(0.38, [1]), (0.42, [1, 2])])
def test_cycle_0_before_numbered_ones_is_left_out_with_a_note(cell_of, charged_ah, numbers):
    # A fifth of 2 Ah is 0.4 Ah; three rows of a current charge for an hour and a half.
    frame = two_cycles(n=np.repeat([0, 1], 9))
    frame.loc[1:3, "I"] = charged_ah / 1.5
    cell = cell_of(frame)
    assert (CYCLE_0_LEFT_OUT in cell.notes) == (numbers == [1])
    assert [cycle.number for cycle in cycles_of(cell)] == numbers
    assert list(cell.discharge_capacity_ah) == numbers


def test_a_cycle_0_that_is_charged_with_negative_current_is_the_first(cell_of):
    frame = two_cycles(n=np.repeat([0, 1], 9))
    cell = cell_of(frame.assign(I=-frame["I"]))
    assert NUMBERED_FROM_0 in cell.notes
    assert [cycle.number for cycle in cycles_of(cell)] == [1, 2]


def test_numbers_with_gaps_are_said_by_the_cell(cell_of):
    cell = cell_of(two_cycles(n=np.repeat([8, 16], 9)))
    assert (cell.last_cycle, cell.cycle_numbers) == (16, (8, 16))
    assert cell.num_cycles(100) == 2
    assert cell_of(two_cycles()).cycle_numbers is None


def test_rows_that_are_not_finite_do_not_hinder_the_count(cell_of):
    frame = two_cycles(n=np.nan)
    frame.loc[[0, 12], "I"] = np.nan
    frame.loc[5, "t"] = np.inf
    assert [cycle.time_s.size for cycle in cycles_of(cell_of(frame))] == [8, 10]


def test_numbers_that_no_instrument_shows_are_infinite(cell_of):
    # 1e308 is a number, but its differences are none.
    frame = two_cycles(n=np.nan, T=25.0, Qd=np.tile([1e308, -1e308, 0.0], 6))
    frame.loc[[3, 4], ["t", "V", "I", "T"]] = [[1e308] * 4, [-1e308] * 4]
    first, second = cycles_of(cell_of(frame))
    for name in ("time_s", "voltage_v", "current_c_rate", "temperature_degc"):
        assert_array_equal(np.isinf(getattr(first, name)), np.isin(np.arange(8), [3, 4]))
    assert_array_equal(second.voltage_v[-3:], [3.5, 3.1, 3.2])


@pytest.mark.parametrize("number", [1e12, np.inf])
def test_a_column_of_numbers_that_no_cycle_has_is_refused(cell_of, number):
    with pytest.raises(SourceError, match="data row 1: `n` must be a whole number from 0 to"):
        cell_of(two_cycles(n=number))


@pytest.mark.parametrize(
    ("row", "number", "message"),
    [
        (3, -1, "row 4: `n` must be a whole number from 0 to 1000000. Received: -1."),
        (3, 1.5, "row 4: .* Received: 1.5."),
        (3, np.nan, "row 4: .* Received: nan."),
        (3, np.inf, "row 4: .* Received: inf."),
        (17, 1e12, "row 18: .* Received: 1e[+]12."),
        (17, 1, "row 18: `n` must never fall. Received: 1 after 2."),
    ],
)
def test_numbers_that_no_cycle_has_are_refused(cell_of, row, number, message):
    frame = two_cycles().astype({"n": float})
    frame.loc[row, "n"] = number
    with pytest.raises(SourceError, match=r"c0\.\w+, data " + message):
        cell_of(frame)


def test_capacities_of_the_current_by_cycle(cell_of):
    cell = cell_of(two_cycles())
    # 1 A in three rows of half an hour, and half an interval at either end.
    assert cell.discharge_capacity_ah == {1: 1.5, 2: 1.5}


def test_a_meter_goes_before_the_integral(cell_of):
    meter_ah = np.tile([0, 0, 0, 0, 0, 0, 0.7, 1.4, 1.4], 2)
    cell = cell_of(two_cycles(Qd=meter_ah))
    assert cell.discharge_capacity_ah == pytest.approx({1: 1.4, 2: 1.4}, rel=1e-12)
    assert cell.notes == ()


def test_capacities_beside_the_table_go_before_all(cell_of, tmp_path):
    (tmp_path / "c0.capacity.csv").write_text("cycle,discharge_capacity_ah\n2,1.25\n")
    cell = cell_of(two_cycles(Qd=np.arange(18.0)))
    assert (cell.discharge_capacity_ah, cell.notes) == ({2: 1.25}, ())


def test_cycles_are_counted_where_only_the_capacities_are_known(cell_of, tmp_path):
    (tmp_path / "c0.capacity.csv").write_text("cycle,discharge_capacity_ah\n2,1.25\n")
    cell = cell_of(two_cycles(n=np.nan))
    assert (cell.last_cycle, cell.notes) == (2, (COUNTED,))


def test_facts_are_those_of_the_cell(cell_of):
    cell = cell_of(two_cycles(), CellFacts(751, 1.9, 4.2, "1C"))
    assert (cell.cell_id, cell.nominal_capacity_ah) == ("c0", 2.0)
    assert (cell.eol_cycles, cell.max_voltage_v, cell.charge_policy) == (751, 4.2, "1C")


def test_samples_come_in_the_order_of_the_file(cell_of):
    time_s = np.arange(18.0)
    time_s[[3, 4]] = time_s[[4, 3]]
    assert_array_equal(cycles_of(cell_of(two_cycles(t=time_s)))[0].time_s, time_s[:9])


def test_a_long_record_is_read_to_the_last_cycle_asked_for_alone(tmp_path, monkeypatch):
    frame = pd.concat([two_cycles(n=[2 * k + 1] * 9 + [2 * k + 2] * 9) for k in range(50)])
    path = tmp_path / "c0.parquet"
    frame.to_parquet(path, row_group_size=18)
    (tmp_path / "c0.capacity.csv").write_text("cycle,discharge_capacity_ah\n1,1.5\n")
    columns = {KINDS[name]: Column(name, next(iter(UNITS[KINDS[name]].values()))) for name in frame}
    sizes = {}
    read = Table.read

    def watched(self, names, num_rows=None):
        values = read(self, names, num_rows)
        sizes.update({name: column.size for name, column in values.items()})
        return values

    monkeypatch.setattr(Table, "read", watched)
    monkeypatch.setattr("data_prep.sources.cycler.recordings.SIGN_ROWS", 36)
    cell = recorded_cell(Recording("c0", Table(path), columns, 2.0), CellFacts())
    assert (cell.last_cycle, sizes) == (100, {"n": 900, "V": 36, "I": 36})
    assert [cycle.number for cycle in cell.read_cycles(3)] == [1, 2, 3]
    assert sizes == {"n": 900, "t": 27, "V": 27, "I": 27}
