import json

import pytest

from data_prep.cleaning.report import CleaningReport
from data_prep.cleaning.rules import RULES
from data_prep.records import DroppedCell, Rejection
from tests.builders import a_cell

SPIKE = Rejection("voltage_out_of_range", "8.39 V, outside 0.5 to 3.75")
NAN = Rejection("not_finite", "2 values of voltage_v are not finite")


SIGN = "current: positive on charge, told from the voltage"


@pytest.fixture
def report():
    """Three cells: 8 cycles kept and 3 rejected, 2 all rejected, 20 dropped unread."""
    report = CleaningReport()
    report.keep(a_cell(cell_id="a", notes=(SIGN,)), 8, [(3, SPIKE), (7, NAN), (9, SPIKE)])
    report.keep(a_cell(cell_id="b", source_file="b.mat"), 0, [(1, NAN), (2, NAN)])
    report.drop(DroppedCell("c", "c.mat", "eol_not_reached", "never falls below 0.88 Ah", 20))
    return report


def test_cycles_read_are_those_kept_and_those_rejected(report):
    # 8 + 3 + 2 + 20
    assert report.cycles_read == 33
    assert report.cycles_kept == 8
    assert report.rejected_by_reason == {
        "cell_dropped": 20,
        "not_finite": 3,
        "voltage_out_of_range": 2,
    }


def test_a_cell_with_no_usable_charge_is_dropped_and_named(report):
    assert report.dropped_cells[0] == DroppedCell(
        "b",
        "b.mat",
        "no_usable_charge",
        "2 not_finite; cycle 1: 2 values of voltage_v are not finite",
    )


def test_a_cell_without_any_cycle_is_dropped():
    report = CleaningReport()
    report.keep(a_cell(), 0, [])
    assert report.dropped_cells[0].detail == "no cycles"
    assert (report.cells_read, report.cycles_read) == (1, 0)


def test_the_text(report):
    assert list(report.lines()) == [
        "cells read 3 = 1 kept + 2 dropped",
        "  no_usable_charge                1  b: 2 not_finite; cycle 1: 2 values of",
        "                                     voltage_v are not finite",
        "  eol_not_reached                 1  c: never falls below 0.88 Ah",
        "cycles read 33 = 8 kept + 25 rejected",
        "  cell_dropped                   20  of the cells dropped, not looked at",
        "  not_finite                      3  a cycle 7: 2 values of voltage_v are not",
        "                                     finite",
        "  voltage_out_of_range            2  a cycle 3: 8.39 V, outside 0.5 to 3.75",
        "notes",
        "  a  current: positive on charge, told from the voltage",
    ]


def test_cells_with_one_reason_are_one_row_with_one_example():
    report = CleaningReport()
    for number in range(46):
        detail = f"never falls below 0.88 Ah in {900 + number} cycles"
        report.drop(DroppedCell(f"b1c{number}", "b1.mat", "eol_not_reached", detail, 100))
    assert list(report.lines())[:4] == [
        "cells read 46 = 0 kept + 46 dropped",
        "  eol_not_reached                46  b1c0: never falls below 0.88 Ah in 900",
        "                                     cycles",
        "cycles read 4600 = 0 kept + 4600 rejected",
    ]


def test_unreadable_files_come_first(report):
    broken = DroppedCell("d", "d.mat", "unreadable", "d.mat: expected the columns [time]")
    report.drop(broken)
    assert list(report.dropped_by_reason) == ["unreadable", "no_usable_charge", "eol_not_reached"]
    # What stands in brackets is text, not a style of the terminal.
    assert list(report.lines())[1] == (
        "  unreadable                      1  d: d.mat: expected the columns [time]"
    )


def test_every_unreadable_file_is_named_up_to_20():
    report = CleaningReport()
    for number in range(22):
        report.drop(DroppedCell(f"d{number}", f"d{number}.csv", "unreadable", "torn"))
    lines = list(report.lines())
    assert lines[1:3] == [
        "  unreadable                     22  d0: torn",
        "                                     d1: torn",
    ]
    assert lines[20:22] == [
        "                                     d19: torn",
        "                                     and 2 more",
    ]
    assert lines[22].startswith("cycles read 0")


def test_the_cycles_of_a_cell_of_which_none_is_left_keep_their_reasons(report):
    rejected = report.to_dict()["rejected"]
    assert [(r["cycle"], r["reason"]) for r in rejected if r["cell_id"] == "b"] == [
        (1, "not_finite"),
        (2, "not_finite"),
    ]


def test_notes_of_dropped_cells_are_said():
    report = CleaningReport()
    report.drop(DroppedCell("c", "c.mat", "eol_not_reached", "never", 20, notes=(SIGN,)))
    report.keep(a_cell(cell_id="d", notes=(SIGN,)), 0, [(1, NAN)])
    assert report.cells_by_note == {SIGN: ["c", "d"]}
    assert list(report.lines())[-1].startswith("  2 cells  current: positive on charge")


def test_other_charges_of_a_cycle_are_counted_with_the_largest_as_example():
    report = CleaningReport()
    report.keep(a_cell(cell_id="a"), 3, [], left_out_ah={1: (0.4,), 3: (0.1, 0.55)})
    assert list(report.lines())[2:] == [
        "cycles with other charges, of those kept",
        "  left out                        2  a cycle 3: 0.55 Ah beside the charge that",
        "                                     is kept",
    ]
    kept = json.loads(json.dumps(report.to_dict()))
    assert kept["cycles_with_other_charges"] == 2
    assert kept["other_charges"] == [
        {"cell_id": "a", "cycle": 1, "charged_ah": [0.4]},
        {"cell_id": "a", "cycle": 3, "charged_ah": [0.1, 0.55]},
    ]


def test_rules_that_were_left_out_are_said_and_are_not_in_the_card():
    report = CleaningReport(without_rules=("partial_charge",))
    assert list(report.lines())[2:] == [
        "rules left out",
        "  partial_charge                     by --without-rules",
    ]
    names = {rule["name"] for rule in report.to_dict()["rules"]}
    assert "partial_charge" not in names
    assert len(names) == len(RULES) - 1


def test_no_line_is_wider_than_80_columns(report):
    report.drop(DroppedCell("d", "d.mat", "unreadable", "/a/long/" + 40 * "folder/" + "d.mat"))
    lengths = [len(line) for line in report.lines()]
    assert max(lengths) == 80


def test_repairs_are_counted_by_name():
    report = CleaningReport()
    both = ("row_out_of_time", "clock_unwrapped")
    report.keep(a_cell(cell_id="a"), 3, [], {1: ("clock_unwrapped",), 3: both})
    report.keep(a_cell(cell_id="b"), 1, [], {1: ("clock_unwrapped",)})
    assert report.repaired == {"clock_unwrapped": 3, "row_out_of_time": 1}
    assert list(report.lines())[2:] == [
        "cycles mended, of those kept: 3",
        "  clock_unwrapped                 3  a cycle 1",
        "  row_out_of_time                 1  a cycle 3",
    ]


def test_a_note_is_said_once_for_all_cells_that_share_it():
    report = CleaningReport()
    for name in ("a", "b"):
        report.keep(a_cell(cell_id=name, notes=(SIGN, f"only {name}")), 1, [])
    assert report.cells_by_note == {SIGN: ["a", "b"], "only a": ["a"], "only b": ["b"]}
    assert report.to_dict()["notes"] == {SIGN: 2, "only a": 1, "only b": 1}
    # Where it holds for all cells, none needs to be named.
    assert list(report.lines())[2:] == [
        "notes",
        "  2 cells  current: positive on charge, told from the voltage",
        "  a        only a",
        "  b        only b",
    ]


def test_a_word_longer_than_a_line_is_shown_whole():
    report = CleaningReport()
    name = "SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware"
    report.keep(a_cell(cell_id=name), 1, [(2, SPIKE)])
    assert name in "".join(line[37:] for line in report.lines())


def test_the_card_holds_the_same_counts(report):
    kept = json.loads(json.dumps(report.to_dict()))
    assert (kept["cells_read"], kept["cells_kept"], len(kept["cells_dropped"])) == (3, 1, 2)
    assert kept["cycles_read"] == kept["cycles_kept"] + sum(kept["cycles_rejected"].values()) == 33
    assert kept["kept_cycles_by_cell"] == {"a": 8}
    assert kept["rejected"][1] == {
        "cell_id": "a",
        "cycle": 7,
        "reason": "not_finite",
        "detail": "2 values of voltage_v are not finite",
    }
    assert kept["cells_dropped"][1]["num_cycles"] == 20
    assert (kept["notes"], kept["cycles_repaired"]) == ({SIGN: 1}, {})


def test_the_card_names_the_rules_that_were_applied(report):
    rules = {rule["name"]: rule for rule in json.loads(json.dumps(report.to_dict()))["rules"]}
    assert len(rules) == len(RULES)
    assert rules["gap"] == {"name": "gap", "threshold": 0.1, "unit": "of nominal"}
    assert rules["voltage_out_of_range"]["threshold"] == [0.5, 5.0]


def test_an_empty_report():
    assert list(CleaningReport().lines()) == [
        "cells read 0 = 0 kept + 0 dropped",
        "cycles read 0 = 0 kept + 0 rejected",
    ]
