import pytest

from data_prep.errors import SourceError
from data_prep.sources.cycler.cell_facts import CellFacts, read_capacities_ah, read_cell_facts

HEADER = "cell_id,eol_cycles,nominal_capacity_ah,max_voltage_v,charge_policy"


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def facts_of(tmp_path):
    def read(*lines):
        write(tmp_path / "cells.csv", *lines)
        return read_cell_facts(tmp_path)

    return read


@pytest.fixture
def capacities_of(tmp_path):
    def read(*lines):
        write(tmp_path / "a.capacity.csv", *lines)
        return read_capacities_ah(tmp_path, "a")

    return read


def test_a_row_of_cells_csv_with_all_its_columns(facts_of):
    rows = facts_of("\ufeff" + HEADER, 'a,751,1.25,3.6,"4C, then 1C"', "b,,,,")
    assert rows == {"a": CellFacts(751, 1.25, 3.6, "4C, then 1C"), "b": CellFacts()}


def test_missing_columns_are_unknown_and_unknown_columns_are_passed_over(facts_of):
    assert facts_of("lab,cell_id,,", "SINTEF,a,,") == {"a": CellFacts()}


def test_blanks_around_names_and_values_are_left_aside(facts_of):
    assert facts_of(" cell_id , eol_cycles ", " a , 500 ") == {"a": CellFacts(eol_cycles=500)}


def test_without_the_files_nothing_is_known(tmp_path):
    assert read_cell_facts(tmp_path) == {}
    assert read_capacities_ah(tmp_path, "a") == {}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,soon,,,"], "line 2, cell 'a': `eol_cycles` must be a whole .* eol_cycles=soon"),
        (["b,,,,", "a,0,,,"], "line 3, cell 'a': .*eol_cycles=0"),
        (["a,-5,,,"], "whole number from 1 to 1000000. Received: eol_cycles=-5"),
        (["a,500.5,,,"], "eol_cycles=500.5"),
        (["a,inf,,,"], "eol_cycles=inf"),
        (["a,1e9,,,"], "eol_cycles=1e9"),
        (["a,,0,,"], "a number above 0. Received: nominal_capacity_ah=0"),
        (["a,,-1.1,,"], "nominal_capacity_ah=-1.1"),
        (["a,,nan,,"], "nominal_capacity_ah=nan"),
        (["a,,,3600,"], "a number of volts up to 10. Received: max_voltage_v=3600"),
        (["a,,,0,"], "max_voltage_v=0"),
        (["a,500,,,", "a,600,,,"], "line 3, cell 'a': is there twice"),
        ([",500,,,"], "line 2, cell '': has no `cell_id`"),
        (["a,500,1.1,3.6,4C,1C"], "line 2: has more values than the header"),
    ],
)
def test_a_bad_row_of_cells_csv_is_refused(facts_of, rows, message):
    with pytest.raises(SourceError, match=r"cells\.csv, .*" + message):
        facts_of(HEADER, *rows)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("cell,eol_cycles", "expected the column cell_id, found cell, eol_cycles. "),
        ("cell_id;eol_cycles", "expected the column cell_id, found cell_id;eol_cycles. "),
        ("", "expected the column cell_id, found nothing. "),
        ("cell_id,eol_cycles,eol_cycles", "expected each column once, not eol_cycles twice, "),
    ],
)
def test_a_bad_header_of_cells_csv_is_refused(facts_of, header, found):
    with pytest.raises(SourceError, match=rf"cells\.csv: {found}"):
        facts_of(header, "a,1,2")


def test_a_cells_csv_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "cells.csv").write_bytes(b"cell_id,charge_policy\na,\xff\xfe\n")
    with pytest.raises(SourceError, match=r"cells\.csv: cannot be read as a comma-separated table"):
        read_cell_facts(tmp_path)


def test_a_cycle_without_measured_capacity_has_no_entry(capacities_of):
    rows = ("1,1.75", "2,", "3,nan", "5,1.5")
    assert capacities_of("cycle,discharge_capacity_ah", *rows) == {1: 1.75, 5: 1.5}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,1.2", "2,low"], ", line 3: .* Received: discharge_capacity_ah=low"),
        (["0,1.2"], ", line 2: `cycle` must be a whole number from 1 .* Received: cycle=0"),
        (["1.5,1.2"], "cycle=1.5"),
        ([",1.2"], ", line 2: `cycle` is empty"),
        (["1,1.2", "1,1.1"], ", line 3: cycle 1 is there twice"),
        (["1,1,2"], ", line 2: has more values than the header has names"),
    ],
)
def test_a_bad_row_of_capacities_is_refused(capacities_of, rows, message):
    with pytest.raises(SourceError, match=r"a\.capacity\.csv" + ".*" + message):
        capacities_of("cycle,discharge_capacity_ah", *rows)


def test_capacities_without_their_column_are_refused(capacities_of):
    with pytest.raises(SourceError, match="expected the column discharge_capacity_ah, found cycle"):
        capacities_of("cycle,capacity", "1,1.2")


def test_real_facts_are_15_cells_of_3_policies(shared_data):
    rows = read_cell_facts(shared_data / "attia").values()
    assert len(rows) == 15
    assert {(row.nominal_capacity_ah, row.max_voltage_v) for row in rows} == {(1.1, 3.6)}
    policies = [row.charge_policy for row in rows]
    assert sorted(policies.count(policy) for policy in set(policies)) == [5, 5, 5]


def test_real_capacity_first_falls_below_80_percent_at_the_eol(shared_data):
    for cell_id, facts in read_cell_facts(shared_data / "attia").items():
        capacities_ah = read_capacities_ah(shared_data / "attia", cell_id)
        assert min(n for n, ah in capacities_ah.items() if ah < 0.88) == facts.eol_cycles
