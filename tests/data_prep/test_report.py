import json

import pytest

from data_prep.records import DroppedCell, Rejection
from data_prep.report import CleaningReport
from tests.builders import a_cell

SPIKE = Rejection("voltage_out_of_range", "8.39 V, outside 0.5 to 3.75")
NAN = Rejection("not_finite", "2 values of voltage_v are not finite")


@pytest.fixture
def report():
    """Three cells: 8 cycles kept and 3 rejected, 2 all rejected, 20 dropped unread."""
    report = CleaningReport()
    report.keep(a_cell(cell_id="a"), 8, [(3, SPIKE), (7, NAN), (9, SPIKE)])
    report.keep(a_cell(cell_id="b", source_file="b.mat"), 0, [(1, NAN), (2, NAN)])
    report.drop(DroppedCell("c", "c.mat", "eol_not_reached", "never falls below 0.88 Ah", 20))
    return report


def test_cycles_read_are_those_kept_and_those_rejected(report):
    # 8 + 3 + 2 + 20
    assert report.cycles_read == 33
    assert report.cycles_kept == 8
    assert report.rejected_by_reason == {
        "cell_dropped": 22,
        "voltage_out_of_range": 2,
        "not_finite": 1,
    }


def test_a_cell_with_no_usable_charge_is_dropped_and_named(report):
    assert report.dropped_cells[0] == DroppedCell(
        "b",
        "b.mat",
        "no_usable_charge",
        "2 not_finite; cycle 1: 2 values of voltage_v are not finite",
        2,
    )


def test_a_cell_without_any_cycle_is_dropped():
    report = CleaningReport()
    report.keep(a_cell(), 0, [])
    assert report.dropped_cells[0].detail == "no cycles"
    assert (report.cells_read, report.cycles_read) == (1, 0)


def test_the_text(report):
    assert list(report.lines()) == [
        "cells   read 3 = kept 1 + dropped 2",
        "        b dropped: no_usable_charge: "
        "2 not_finite; cycle 1: 2 values of voltage_v are not finite",
        "        c dropped: eol_not_reached: never falls below 0.88 Ah",
        "cycles  read 33 = kept 8 + rejected 25",
        "        22 cell_dropped",
        "        2 voltage_out_of_range, such as a cycle 3: 8.39 V, outside 0.5 to 3.75",
        "        1 not_finite, such as a cycle 7: 2 values of voltage_v are not finite",
    ]


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


def test_an_empty_report():
    assert list(CleaningReport().lines()) == [
        "cells   read 0 = kept 0 + dropped 0",
        "cycles  read 0 = kept 0 + rejected 0",
    ]
