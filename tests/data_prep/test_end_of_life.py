import pytest

from data_prep.end_of_life import EndOfLife, find_end_of_life
from data_prep.records import DroppedCell
from tests.builders import a_cell

# 80 % of 1.1 Ah is 0.88 Ah.
FADING = {1: 1.05, 2: 0.95, 3: 0.89, 4: 0.87, 5: 0.80}


def eol_of(capacities_ah, threshold=0.8, fallback="drop", **facts):
    facts = {"eol_cycles": None, "last_cycle": 9} | facts
    cell = a_cell(discharge_capacity_ah=capacities_ah, **facts)
    found = find_end_of_life(cell, threshold, fallback)
    return found.cycles if isinstance(found, EndOfLife) else found


def test_the_file_goes_before_the_capacities():
    assert eol_of(FADING, eol_cycles=741) == 741


def test_the_first_cycle_below_the_threshold():
    assert eol_of(FADING) == 4


def test_capacities_are_taken_by_cycle_and_not_by_their_place():
    assert eol_of(dict(reversed(FADING.items()))) == 4


def test_exactly_at_the_threshold_is_not_below():
    assert eol_of({1: 2.0, 2: 1.6, 3: 1.5}, nominal_capacity_ah=2.0) == 3


def test_another_threshold():
    # 90 % of 1.1 Ah is 0.99 Ah.
    assert eol_of(FADING, threshold=0.9) == 2


def test_never_reached():
    assert eol_of({1: 1.05, 2: 0.95, 3: 0.89}) == DroppedCell(
        "c0",
        "made.mat",
        "eol_not_reached",
        "discharge capacity never falls below 0.88 Ah (threshold 0.8 of nominal)",
    )


def test_below_from_the_first_measured_cycle():
    assert eol_of({3: 0.7, 4: 0.69}) == DroppedCell(
        "c0",
        "made.mat",
        "eol_before_record",
        "discharge capacity is below 0.88 Ah from cycle 3 on (threshold 0.8 of nominal)",
    )


def test_one_discharge_that_was_broken_off_does_not_end_a_life():
    # Cycle 2 was interrupted; the cell has 0.95 Ah before and behind it.
    assert eol_of({1: 0.96, 2: 0.3, 3: 0.95, 4: 0.94, 5: 0.87, 6: 0.86}) == 5
    assert eol_of({1: 0.96, 2: 0.3, 3: 0.95, 4: 0.94}) == DroppedCell(
        "c0",
        "made.mat",
        "eol_not_reached",
        "discharge capacity never falls below 0.88 Ah to stay there (threshold 0.8 of nominal)",
    )


def test_a_broken_off_first_discharge_is_no_end_before_the_record():
    assert eol_of({1: 0.3, 2: 0.95, 3: 0.94, 4: 0.87, 5: 0.86}) == 4


def test_one_recovery_behind_the_end_of_life_does_not_undo_it():
    # After a long rest a cell gives more once.
    assert eol_of({1: 0.96, 2: 0.87, 3: 0.89, 4: 0.86, 5: 0.85}) == 2


def test_two_broken_off_discharges_in_a_row_are_taken_for_the_end():
    assert eol_of({1: 0.96, 2: 0.3, 3: 0.3, 4: 0.95, 5: 0.94}) == 2


def test_at_the_end_of_a_record_what_is_left_decides():
    assert eol_of({1: 0.96, 2: 0.95, 3: 0.87}) == 3
    assert eol_of({1: 0.96, 2: 0.87, 3: 0.86}) == 2
    assert eol_of({1: 0.96, 2: 0.87, 3: 0.95}).reason == "eol_not_reached"


@pytest.mark.parametrize(
    ("capacities_ah", "eol_cycles", "expected"),
    [
        (FADING, 741, EndOfLife(741, "file")),
        (FADING, None, EndOfLife(4, "capacity")),
        ({}, None, EndOfLife(9, "last_cycle")),
    ],
)
def test_where_an_end_of_life_is_from(capacities_ah, eol_cycles, expected):
    cell = a_cell(discharge_capacity_ah=capacities_ah, eol_cycles=eol_cycles, last_cycle=9)
    assert find_end_of_life(cell, 0.8, "last") == expected


def test_no_capacity_at_all():
    assert eol_of({}).reason == "eol_not_reached"


def test_a_broken_off_discharge_of_0_ah_is_ignored():
    assert eol_of({1: 1.05, 2: 0.0, 3: 0.95, 4: 0.87}) == 4
    # Nor is it the first measured cycle.
    assert eol_of({1: 0.0, 2: 0.7}).reason == "eol_before_record"


@pytest.mark.parametrize("capacities_ah", [{}, {1: 1.05, 2: 0.95}, {1: 0.7, 2: 0.6}])
def test_fallback_last_takes_the_last_cycle_on_record(capacities_ah):
    assert eol_of(capacities_ah, fallback="last") == 9


def test_fallback_last_does_not_touch_a_known_end():
    assert eol_of(FADING, fallback="last") == 4
    assert eol_of({}, fallback="last", eol_cycles=741) == 741


def test_fallback_last_of_a_cell_without_cycles():
    assert eol_of({}, fallback="last", last_cycle=0) == 1
