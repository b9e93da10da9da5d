"""Every folder of real measurements through the whole preparation, told by its files alone."""

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.dataset_card import read_card
from data_prep.quasi_video import unpack
from data_prep.shards import read_split
from data_prep.splitting import SPLITS
from tests.builders import one_error_line

pytest.importorskip("tensorflow")

NO_TEMPERATURE = ("voltage_v", "current_c_rate", "charge_capacity_ah", "elapsed_time_s")
LAST = ("--eol-fallback", "last")
SINTEF = "SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug"


@pytest.fixture
def prepared(shared_data, tmp_path):
    def prepared(folder, *flags):
        output = tmp_path / "out"
        argv = ["--input", str(shared_data / folder), "--output", str(output), *flags]
        assert main(argv) == 0
        return output, read_card(output)

    return prepared


def rejected(card):
    return [(r["cell_id"], r["cycle"], r["reason"]) for r in card.cleaning["rejected"]]


def curves_of(folder, card):
    """Curves by cell and cycle."""
    found = {}
    for split in SPLITS:
        arrays = read_split(folder, card, split)
        keys = zip(arrays["cell_id"], arrays["ecl"], strict=True)
        for (cell_id, ecl), curves in zip(keys, unpack(arrays["quasi_video"]), strict=True):
            found[cell_id.decode(), int(ecl)] = curves
    return found


def test_attia(prepared):
    _, card = prepared("attia")
    assert (card.source["name"], len(card.source["files"])) == ("bdf", 15)
    assert (card.cleaning["cells_kept"], card.cleaning["cycles_kept"]) == (15, 1500)
    assert (card.cleaning["cycles_rejected"], card.cleaning["notes"]) == ({}, {})
    assert card.signals_present == NO_TEMPERATURE


def test_attia_charges_by_its_policy_and_capacity_is_the_integral(prepared):
    folder, card = prepared("attia", "--cycles", "3")
    for (cell_id, _), curves in curves_of(folder, card).items():
        policy = card.cells[cell_id]["charge_policy"]
        current = curves[1]
        # The fastest step of the policy is the largest current; it starts at 0.2 to 0.7 C.
        fastest = max(float(step.split("C")[0]) for step in policy.split("-"))
        assert abs(current.max() - fastest) < 0.05, cell_id
        assert 0.2 < current[0] < 0.75, cell_id
        # Capacity is the integral of the current.
        step_h = np.diff(curves[4]) / 3600
        integral_ah = 1.1 * np.sum((current[1:] + current[:-1]) / 2 * step_h)
        assert abs(integral_ah - curves[3][-1]) < 1e-4, cell_id


def test_nasa(prepared):
    _, card = prepared("nasa", *LAST)
    assert (card.source["name"], len(card.source["files"])) == ("nasa", 3)
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_kept"]) == (175, 169)
    assert rejected(card) == [
        ("B0025", 9, "partial_charge"),
        ("B0025", 25, "partial_charge"),
        ("B0025", 31, "not_finite"),
        ("B0045", 66, "partial_charge"),
        ("B0046", 20, "partial_charge"),
        ("B0046", 66, "partial_charge"),
    ]


def test_nasa_as_converted_for_kaggle(prepared):
    _, card = prepared("nasa/kaggle", *LAST)
    assert (card.source["name"], len(card.source["files"])) == ("nasa", 18)
    assert card.cleaning["kept_cycles_by_cell"] == {"B0005": 12, "B0018": 1}
    assert rejected(card) == [
        ("B0005", 1, "partial_charge"),
        ("B0005", 5, "capacity_out_of_range"),
        ("B0005", 15, "no_charge"),
        ("B0018", 2, "not_finite"),
    ]


def test_bdf(prepared):
    folder, card = prepared("bdf", *LAST, "--nominal-capacity-ah", "6.55")
    assert (card.source["name"], list(card.cells)) == ("bdf", [SINTEF])
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_kept"]) == (5, 4)
    assert rejected(card) == [(SINTEF, 1, "partial_charge")]
    assert card.cleaning["cycles_repaired"] == {"row_out_of_time": 4}
    # Charges of a third of a C to 4.35 V, from the first of three thermocouples.
    for curves in curves_of(folder, card).values():
        assert abs(curves[1].max() - 2.181 / 6.55) < 1e-3
        assert 4.34 < curves[0].max() < 4.36
        assert 7.0 < curves[3].max() < 7.5
        assert 24 < curves[2].min() < curves[2].max() < 60


def test_batteryml(prepared):
    folder, card = prepared("batteryml")
    assert (card.source["name"], list(card.cells)) == ("batteryml", ["CALB_0_B183"])
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_kept"]) == (100, 100)
    assert card.cleaning["cycles_repaired"] == {"clock_unwrapped": 11}
    assert card.signals_present == NO_TEMPERATURE
    assert card.cells["CALB_0_B183"]["eol_cycles"] == 75
    for curves in curves_of(folder, card).values():
        # 58 Ah at 1 C to 4.35 V; the clock never falls.
        assert np.diff(curves[4]).min() > 0
        assert 4.3 < curves[0].max() < 4.36
        assert 40 < curves[3].max() < 50.5


def test_arbin_is_read_and_its_one_charge_never_fills(shared_data, tmp_path, capsys):
    output = tmp_path / "out"
    argv = ["--input", str(shared_data / "arbin"), "--output", str(output), *LAST]
    assert main(argv) == 2
    line = one_error_line(capsys)
    assert "1 truncated_charge; cycle 1: ends at 3.412 V and 1 C without a taper" in line
    assert "0.603 Ah charged" in line
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "batteryml/ holds batteryml"),
        ("matr_b2.npz", "matr_b2.npz"),
        ("matr_policies.csv", "matr_policies.csv"),
    ],
)
def test_what_holds_no_charges_is_refused_by_name(shared_data, tmp_path, capsys, name, words):
    argv = ["--input", str(shared_data / name), "--output", str(tmp_path / "out")]
    assert main(argv) == 2
    assert words in one_error_line(capsys)
