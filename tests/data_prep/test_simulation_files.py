import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from data_prep import simulate
from data_prep.errors import SettingsError, UserError
from data_prep.settings import to_dict
from data_prep.simulation.catalogue import file_plans
from tests.builders import EARLY_CYCLES, one_error_line, read_cells

h5py = pytest.importorskip("h5py")

ROOT = Path(__file__).resolve().parents[2]
BATCH_DATE = "2017-05-12"


@pytest.fixture(scope="module")
def matr_path(cells, tmp_path_factory):
    from data_prep.simulation.matr_file import write_matr

    path = tmp_path_factory.mktemp("matr") / "made" / "small.mat"
    write_matr(path, BATCH_DATE, cells)
    return path


@pytest.fixture(scope="module")
def three_files(cells, tmp_path_factory):
    """The files of 124 cells, with the three cycles of one simulated cell in every cell."""
    from data_prep.simulation.matr_file import write_matr

    folder = tmp_path_factory.mktemp("three")
    for plan in file_plans(124, seed=0):
        same = (dataclasses.replace(cells[0], spec=spec) for spec in plan.cells)
        write_matr(folder / plan.name, plan.date, same)
    return folder


def text_of(dataset):
    return dataset[()].tobytes().decode("utf-16-le")


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

    write_matr(tmp_path / "again.mat", BATCH_DATE, cells)
    assert (tmp_path / "again.mat").read_bytes() == matr_path.read_bytes()


def test_reader_of_matr_finds_the_cells(matr_path, cells):
    from data_prep.sources import matr

    read = list(read_cells(matr, [matr_path]))
    assert [cell.eol_cycles for cell in read] == [788, 1051, 471]
    assert read[2].charge_policy == "4.8C(80%)-4.8C"
    assert read[2].last_cycle == 3
    assert read[2].discharge_capacity_ah[1] == pytest.approx(
        cells[2].records[0].discharge_capacity_ah.max(), abs=1e-5
    )


def test_reader_of_matr_takes_three_files_for_the_published_ones(three_files):
    from data_prep.records import DroppedCell
    from data_prep.sources import matr

    read = list(read_cells(matr, matr.find_files(three_files)))
    dropped = {cell.cell_id: cell.reason for cell in read if isinstance(cell, DroppedCell)}
    kept = {cell.cell_id: cell for cell in read if not isinstance(cell, DroppedCell)}
    assert len(read) == 140
    assert len(kept) == 124
    assert sorted(set(dropped.values())) == ["continuation", "known_defect"]
    assert {name for name, reason in dropped.items() if reason == "continuation"} == {
        *("b2c7", "b2c8", "b2c9", "b2c15", "b2c16")
    }
    assert kept["b1c0"].eol_cycles == 1852, "1190 cycles and the 662 that batch 2 adds"
    assert kept["b1c44"].eol_cycles == 616
    assert kept["b2c1"].eol_cycles == 148
    assert kept["b3c38"].eol_cycles == 1935
    assert kept["b3c38"].charge_policy.startswith("5C(67%)-4C")


def test_files_of_the_published_batches_say_what_the_published_ones_say(three_files):
    paths = sorted(three_files.iterdir())
    assert [path.name[:10] for path in paths] == ["2017-05-12", "2017-06-30", "2018-04-12"]
    with h5py.File(paths[0]) as first, h5py.File(paths[2]) as third:
        assert first["batch/cycles"].shape == (46, 1)
        assert text_of(first["batch_date"]) == "2017-05-12"
        assert first[first["batch/cycle_life"][0, 0]][()] == [[1190.0]]
        assert np.isnan(first[first["batch/cycle_life"][8, 0]][()]), "never reaches 80 %"
        policy = third[third["batch/policy_readable"][0, 0]]
        assert text_of(policy) == "5C(67%)-4C-newstructure"
        assert text_of(third[third["batch/policy"][0, 0]]) == "5C-67PER_4C_newstructure"


def test_a_place_that_cannot_be_written_is_named(simulated, cells, tmp_path):
    from data_prep.simulation.matr_file import write_matr

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        write_matr(tmp_path / "file" / "small.mat", BATCH_DATE, cells)


def test_a_simulation_that_fails_leaves_no_file(simulated, cells, tmp_path):
    from data_prep.simulation.matr_file import write_matr

    def failing():
        yield cells[0]
        raise UserError("the second cell fails")

    with pytest.raises(UserError, match="second cell"):
        write_matr(tmp_path / "small.mat", BATCH_DATE, failing())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_leaves_no_file(simulated, cells, tmp_path, monkeypatch):
    from data_prep.simulation import matr_file

    # Three records of nine hundred samples take 200 kB without compression; a file needs 4 MB.
    free = iter([5_000_000, 4_100_000])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        matr_file.shutil, "disk_usage", lambda folder: usage._replace(free=next(free))
    )
    with pytest.raises(UserError, match="cannot be written .*No space left on device") as raised:
        matr_file.write_matr(tmp_path / "small.mat", BATCH_DATE, cells)
    assert len(str(raised.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())
    assert next(free, None) is None, "the second cell was asked for"


def test_command_makes_the_same_bytes_with_any_number_of_jobs(simulated, tmp_path, capsys):
    options = ["--cells", "3", "--cycles", "2", "--seed", "5"]
    for jobs in ("1", "2"):
        output = str(tmp_path / jobs)
        assert simulate.main([*options, "--jobs", jobs, "--output", output]) == 0
    path = tmp_path / "2" / "simulated_batchdata.mat"
    assert f"{path}: 0." in capsys.readouterr().out
    assert path.read_bytes() == (tmp_path / "1" / path.name).read_bytes()
    with h5py.File(path) as file:
        assert file["batch/cycles"].shape == (3, 1)


def test_a_record_ends_three_cycles_after_the_end_of_life(simulated):
    short_lived = next(spec for spec in file_plans(124, 0)[1].cells if spec.eol == 148)
    (cell,) = simulated([short_lived], range(140, 2501))
    assert [record.number for record in cell.records] == list(range(140, 152))


def test_an_existing_file_is_kept_unless_overwrite_is_given(simulated, tmp_path, capsys):
    path = tmp_path / "there.mat"
    path.write_text("kept")
    options = ["--cells", "1", "--cycles", "1", "--jobs", "1", "--output", str(path)]
    assert simulate.main(options) == 2
    assert one_error_line(capsys).endswith("exists. Choose another --output, or add --overwrite.")
    assert path.read_text() == "kept"
    assert simulate.main([*options, "--overwrite"]) == 0
    assert h5py.is_hdf5(path)


def test_an_interrupted_simulation_leaves_no_file(simulated, tmp_path):
    command = [sys.executable, "-m", "data_prep.simulate", "--cells", "60", "--cycles", "10"]
    process = subprocess.Popen(
        [*command, "--jobs", "2", "--output", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    first_cell_written = 50_000  # bytes; its ten cycles take 100 kB
    while process.poll() is None:
        if any(path.stat().st_size > first_cell_written for path in tmp_path.iterdir()):
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert error.splitlines()[-1] == "python -m data_prep.simulate: interrupted"
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_many_cells_do_not_go_into_one_file(tmp_path, capsys):
    pytest.importorskip("pybamm")
    assert simulate.main(["--cells", "124", "--output", str(tmp_path / "x.mat")]) == 2
    assert "124 cells make 3 files. Give a folder." in one_error_line(capsys)


@pytest.mark.parametrize("values", [{"cells": 10_001}, {"cycles": 2501}, {"jobs": 0}])
def test_settings_out_of_range_are_refused(values):
    ((name, value),) = values.items()
    with pytest.raises(SettingsError, match=f"Received: {name}={value}"):
        simulate.SimulateConfig(output="x.mat", **values)


def test_settings_have_the_defaults_of_the_demo():
    assert to_dict(simulate.SimulateConfig(output="x.mat")) == {
        "output": "x.mat",
        "cells": 12,
        "cycles": 20,
        "seed": 0,
        "jobs": None,
        "overwrite": False,
    }


def test_missing_pybamm_ends_with_the_line_that_installs_it(monkeypatch, tmp_path, capsys):
    for name in list(sys.modules):
        if name.startswith("data_prep.simulation."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pybamm", None)
    assert simulate.main(["--output", str(tmp_path / "x.mat")]) == 2
    assert 'pip install "rcvae_tf[simulate]"' in capsys.readouterr().err
    assert not (tmp_path / "x.mat").exists()
