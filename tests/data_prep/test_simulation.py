import dataclasses
import sys

import numpy as np
import pytest

from data_prep import simulate
from data_prep.errors import SettingsError, UserError
from data_prep.protocol import ChargeStep
from data_prep.settings import to_dict
from data_prep.simulation.cells import CellSpec, ageing_state, demo_cells
from data_prep.simulation.policies import fast_charge_steps, policy_code
from tests.builders import read_cells

h5py = pytest.importorskip("h5py")

NOMINAL_CAPACITY_AH = 1.1
EARLY_CYCLES = [1, 2, 3]
# Five standard deviations: no sample of the few thousand here lies beyond.
VOLTAGE_MARGIN_V = 5 * 2e-4


@pytest.fixture(scope="module")
def simulated():
    pytest.importorskip("pybamm")
    from data_prep.simulation.fleet import simulate as simulate_cells

    return simulate_cells


@pytest.fixture(scope="module")
def cells(simulated):
    return list(simulated(demo_cells(3, seed=0), EARLY_CYCLES))


@pytest.fixture(scope="module")
def matr_path(cells, tmp_path_factory):
    from data_prep.simulation.matr_file import write_matr

    path = tmp_path_factory.mktemp("matr") / "made" / "small.mat"
    write_matr(path, cells)
    return path


def records_of(cells):
    return [record for cell in cells for record in cell.records]


def charge_of(record):
    return record.discharge_capacity_ah == 0


def text_of(dataset):
    return dataset[()].tobytes().decode("utf-16-le")


@pytest.mark.parametrize(
    "text", ["1C", "5.4C(40%)-3.6C(80%)-2C", "1C(1%)-2C(2%)-3C(3%)-4C(4%)-5C", "2C(50%)-1C(100%)"]
)
def test_a_policy_that_the_simulated_cycler_does_not_have_is_refused(text):
    with pytest.raises(UserError, match="Received: policy="):
        fast_charge_steps(text)


def test_the_simulated_cycler_takes_the_steps_before_80_percent():
    steps = fast_charge_steps("4.8C(20%)-5.2C(40%)-4.16C(80%)-1C")
    assert steps == (ChargeStep(4.8, 0.2), ChargeStep(5.2, 0.4), ChargeStep(4.16, 0.8))


def test_policy_code_is_spelt_as_in_the_matr_files():
    assert policy_code("3.6C(80%)-3.6C") == "3_6C-80PER_3_6C"


def test_demo_cells_repeat_policies_with_other_lives():
    specs = demo_cells(12, seed=0)
    assert len({spec.policy for spec in specs}) == 8
    assert len({spec.eol for spec in specs}) == 12
    assert (min(s.eol for s in specs), max(s.eol for s in specs)) == (335, 1935)
    assert specs[0].barcode == "sim-b1-00"
    assert demo_cells(3, seed=0) == specs[:3]


@pytest.mark.parametrize("spec", demo_cells(12, seed=3), ids=lambda spec: str(spec.eol))
def test_capacity_crosses_80_percent_of_nominal_at_the_end_of_life(spec):
    # The noise of 0.25 mAh is up to half a cycle's fade in a long life; two cycles bound it.
    cycles = range(1, spec.eol + 20)
    capacity_ah = ageing_state(spec, cycles).capacity_ah
    first_below = cycles[int(np.argmax(capacity_ah < 0.8 * NOMINAL_CAPACITY_AH))]
    assert abs(first_below - spec.eol) <= 2


def test_a_cycle_ages_the_same_whichever_others_are_asked_for():
    spec = CellSpec("any", "4C(80%)-4C", eol=900, seed=5)
    alone, among = ageing_state(spec, [7]), ageing_state(spec, range(1, 11))
    assert alone.capacity_ah[0] == among.capacity_ah[6]
    assert alone.internal_resistance_ohm[0] == among.internal_resistance_ohm[6]


def test_discharge_capacity_crosses_80_percent_at_the_end_of_life(simulated):
    spec = demo_cells(12, seed=0)[8]
    assert spec.eol == 335
    (cell,) = simulated([spec], range(330, 341))
    capacity_ah = np.array([record.discharge_capacity_ah.max() for record in cell.records])
    first_below = cell.records[int(np.argmax(capacity_ah < 0.8 * NOMINAL_CAPACITY_AH))].number
    assert abs(first_below - spec.eol) <= 2


def test_ageing_raises_the_voltage_of_the_same_charge(simulated):
    spec = demo_cells(1, seed=0)[0]
    (cell,) = simulated([spec], [2, 700])
    young, old = [
        np.interp(0.3, record.charge_capacity_ah, record.voltage_v) for record in cell.records
    ]
    assert 0.003 < old - young < 0.1


def test_voltage_keeps_its_limits(cells):
    for record in records_of(cells):
        assert record.voltage_v.max() <= 3.6 + VOLTAGE_MARGIN_V
        # The limit holds to 4.4 A / 60 A per V below the 2 V of the discharge.
        assert record.voltage_v.min() >= 2.0 - 0.08


def test_time_rises_and_capacities_do_not_fall(cells):
    for record in records_of(cells):
        assert record.time_min[0] == 0
        assert np.diff(record.time_min).min() > 0
        assert np.diff(record.charge_capacity_ah).min() >= 0
        assert np.diff(record.discharge_capacity_ah).min() >= 0


def test_a_cycle_is_charge_then_rest_then_4c_discharge(cells):
    for record in records_of(cells):
        charge = charge_of(record)
        charging = np.flatnonzero(record.current_c_rate > 0.01)
        discharging = np.flatnonzero(record.current_c_rate < -0.01)
        resting = record.current_c_rate[charging[-1] + 1 : discharging[0]]
        assert 10 < record.time_min[charging[-1]] < 45
        assert resting.size
        assert not resting.any()
        assert not charge[discharging].any()
        # 5 mC is ten times the noise.
        assert np.median(record.current_c_rate[discharging]) == pytest.approx(-4, abs=5e-3)


def test_charge_follows_its_policy(cells):
    record = cells[0].records[0]
    assert cells[0].spec.policy == "5.4C(40%)-3.6C"
    rate = np.interp([0.2, 0.4, 0.5, 0.8], record.charge_capacity_ah, record.current_c_rate)
    # Noise of 0.5 mC; 0.4 Ah is below 40 % (0.44 Ah), 0.5 Ah above.
    np.testing.assert_allclose(rate, [5.4, 5.4, 3.6, 3.6], atol=5e-3)


def test_integral_of_the_current_is_the_charge_capacity(cells):
    for record in records_of(cells):
        charge = charge_of(record)
        hours, rate = record.time_min[charge] / 60, record.current_c_rate[charge]
        integral_ah = np.trapezoid(rate, hours) * NOMINAL_CAPACITY_AH
        # A step of at most 5 C falls between two samples 4 s apart: half of it is misjudged,
        # 5 C x 1.1 A/C x 2 s = 3 mAh; there are two such steps.
        assert integral_ah == pytest.approx(record.charge_capacity_ah.max(), abs=6e-3)


def test_charge_and_discharge_capacity_agree(cells):
    for record in records_of(cells):
        # The real cells lose less than 0.2 % a cycle; the model adds up to 1 mAh at its cut-off.
        assert record.charge_capacity_ah.max() == pytest.approx(
            record.discharge_capacity_ah.max(), abs=2e-3
        )


def test_highest_temperature_is_what_fast_charged_cells_reach(simulated):
    cells = list(simulated(demo_cells(12, seed=0), [1]))
    highest = [record.temperature_degc.max() for record in records_of(cells)]
    assert 33 < min(highest) < max(highest) < 39


def test_same_seed_same_arrays_whatever_else_is_simulated(simulated, cells):
    (again,) = simulated(demo_cells(2, seed=0)[1:], EARLY_CYCLES)
    for first, second in zip(cells[1].records, again.records, strict=True):
        for field in dataclasses.fields(first):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


def test_another_seed_makes_another_cell(simulated, cells):
    (other,) = simulated(demo_cells(1, seed=1), [1])
    assert other.records[0].charge_capacity_ah.max() != cells[0].records[0].charge_capacity_ah.max()


def test_file_begins_with_the_header_of_matlab_7_3(matr_path):
    header = matr_path.read_bytes()[:512]
    assert header.startswith(b"MATLAB 7.3 MAT-file")
    assert header[116:128] == bytes(8) + b"\x00\x02IM"
    assert not any(header[128:])
    assert not list(matr_path.parent.glob("*.partial"))


def test_file_says_that_it_is_simulated(matr_path):
    with h5py.File(matr_path) as file:
        assert "not a measurement" in file.attrs["simulated"]
        assert "not a measurement" in text_of(file["simulated"])
        assert text_of(file[file["batch/barcode"][0, 0]]).startswith("sim-")


def test_batch_holds_one_reference_per_cell(matr_path):
    with h5py.File(matr_path) as file:
        names = {"cycles", "summary", "cycle_life", "policy", "policy_readable"}
        assert set(file["batch"]) == names | {"barcode", "channel_id", "Vdlin"}
        for name, column in file["batch"].items():
            assert column.shape == (3, 1), name
            assert file[column[2, 0]].name.startswith("/#refs#/")
        assert file[file["batch/cycle_life"][0, 0]][()] == [[788.0]]
        policy = file[file["batch/policy_readable"][0, 0]]
        assert policy.dtype == np.uint16
        assert policy.attrs["MATLAB_class"] == b"char"
        assert text_of(policy) == "5.4C(40%)-3.6C"


def test_index_0_of_a_cell_is_matlabs_empty_array(matr_path):
    with h5py.File(matr_path) as file:
        cycles = file[file["batch/cycles"][0, 0]]
        names = {"I", "V", "T", "Qc", "Qd", "t", "Qdlin", "Tdlin", "discharge_dQdV"}
        assert set(cycles) == names
        for name in names:
            assert cycles[name].shape == (len(EARLY_CYCLES) + 1, 1)
            empty = file[cycles[name][0, 0]]
            assert empty.dtype == np.uint64
            assert empty[()].tolist() == [0, 0]
            assert empty.attrs["MATLAB_empty"] == 1
        summary = file[file["batch/summary"][0, 0]]
        assert summary["cycle"][()].tolist() == [[0, 1, 2, 3]]
        assert summary["QDischarge"][0, 0] == 0
        assert set(summary) == {"IR", "QCharge", "QDischarge", "Tavg", "Tmin", "Tmax"} | {
            "chargetime",
            "cycle",
        }


def test_values_come_back_in_the_units_of_matr(matr_path, cells):
    record = cells[1].records[2]
    with h5py.File(matr_path) as file:
        cycles = file[file["batch/cycles"][1, 0]]
        values = {name: file[cycles[name][3, 0]][()] for name in cycles}
    # Half of the step to which each is rounded.
    np.testing.assert_allclose(values["V"][0], record.voltage_v, atol=2**-15)
    np.testing.assert_allclose(values["I"][0], record.current_c_rate, atol=2**-13)
    np.testing.assert_allclose(values["Qc"][0], record.charge_capacity_ah, atol=2**-19)
    assert 35 < values["t"].max() < 60, "minutes"
    assert 29 < values["T"].min() < 32, "degC"
    assert 6.9 < values["I"].max() < 7.1, "C-rate of 7C(40%)-3C"
    assert values["Qdlin"].shape == (1, 1000)


def test_same_cells_same_bytes(matr_path, cells, tmp_path):
    from data_prep.simulation.matr_file import write_matr

    write_matr(tmp_path / "again.mat", cells)
    assert (tmp_path / "again.mat").read_bytes() == matr_path.read_bytes()


def test_reader_of_matr_finds_the_cells(matr_path, cells):
    from data_prep.sources import matr
    from data_prep.sources.base import SourceOptions

    read = list(read_cells(matr, [matr_path], SourceOptions()))
    assert [cell.eol_cycles for cell in read] == [788, 1051, 471]
    assert read[2].charge_policy == "4.8C(80%)-4.8C"
    assert read[2].last_cycle == 3
    assert read[2].discharge_capacity_ah[1] == pytest.approx(
        cells[2].records[0].discharge_capacity_ah.max(), abs=1e-5
    )


def test_a_place_that_cannot_be_written_is_named(simulated, cells, tmp_path):
    from data_prep.simulation.matr_file import write_matr

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_matr(tmp_path / "file" / "small.mat", cells)


def test_a_simulation_that_fails_leaves_no_file(simulated, cells, tmp_path):
    from data_prep.simulation.matr_file import write_matr

    def failing():
        yield cells[0]
        raise UserError("the second cell fails")

    with pytest.raises(UserError, match="second cell"):
        write_matr(tmp_path / "small.mat", failing())
    assert not list(tmp_path.iterdir())


def test_command_writes_a_file_into_a_folder(simulated, tmp_path, capsys):
    assert simulate.main(["--cells", "1", "--cycles", "2", "--output", str(tmp_path)]) == 0
    path = tmp_path / "simulated_batchdata.mat"
    assert f"{path}: 1 cells x 2 cycles" in capsys.readouterr().out
    assert path.is_file()


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingsError, match="Received: cells=13"):
        simulate.SimulateConfig(output="x.mat", cells=13)
    assert to_dict(simulate.SimulateConfig(output="x.mat")) == {
        "output": "x.mat",
        "cells": 12,
        "cycles": 20,
        "seed": 0,
    }


def test_missing_pybamm_ends_with_the_line_that_installs_it(monkeypatch, tmp_path, capsys):
    for name in list(sys.modules):
        if name.startswith("data_prep.simulation."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pybamm", None)
    assert simulate.main(["--output", str(tmp_path / "x.mat")]) == 2
    assert 'pip install "rcvae_tf[simulate]"' in capsys.readouterr().err
    assert not (tmp_path / "x.mat").exists()
