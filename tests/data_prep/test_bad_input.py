"""Every mistake a user can make at the command: exit code 2 and one line that helps."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data_prep.__main__ import main
from data_prep.dataset_card import CARD_NAME
from tests.builders import exit_code, matr_cell, matr_cycle, one_error_line, write_matr_like

pytest.importorskip("tensorflow")
h5py = pytest.importorskip("h5py")

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def refused(capsys, output):
    """Runs the command, which must fail and make nothing; gives its line."""

    def run(*argv):
        assert exit_code(main, ["--output", str(output), *map(str, argv)]) == 2
        line = one_error_line(capsys)
        assert line.startswith("python -m data_prep: error: ")
        assert not output.exists()
        return line.removeprefix("python -m data_prep: error: ")

    return run


@pytest.fixture
def lab(tmp_path):
    """Four cells of one cycle."""
    return write_matr_like(tmp_path / "lab.mat", [matr_cell(1) for _ in range(4)])


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--cycles", "0"], "`cycles` must be an integer of 1 or more. Received: cycles=0."),
        (["--cycles", "ten"], "argument --cycles: invalid int value: 'ten'"),
        (["--source", "csv"], "argument --source: invalid choice: 'csv'"),
        (["--split", "time"], "argument --split: invalid choice: 'time'"),
        (["--height", "500"], "`height` must be an integer from 2 to 128. Received: height=500."),
        (["--eol-threshold", "80"], "Received: eol_threshold=80.0."),
        (["--eol-threshold", "nan"], "Received: eol_threshold=nan."),
        (["--nominal-capacity-ah", "-1"], "Received: nominal_capacity_ah=-1.0."),
        (["--seed"], "argument --seed: expected one argument"),
        (["--inptu", "x"], "unrecognized arguments: --inptu x"),
        (["data"], "unrecognized arguments: data"),
    ],
)
def test_an_argument_that_does_not_fit(refused, argv, expected):
    assert expected in refused(*argv)


@pytest.mark.parametrize("source", ["matr", "nasa", "bdf"])
def test_a_source_without_input(refused, source):
    line = refused("--source", source)
    assert line == f"--source {source} needs --input, the folder of its files."


@pytest.mark.parametrize("source", ["matr", "nasa", "bdf"])
def test_an_input_that_is_not_there(refused, tmp_path, source):
    line = refused("--source", source, "--input", tmp_path / "gone")
    assert line.startswith(f"{tmp_path / 'gone'}: no such file or folder. Give --input")


@pytest.mark.parametrize(
    ("source", "suffix"), [("matr", ".mat"), ("nasa", ".mat"), ("bdf", ".bdf.csv")]
)
def test_an_input_without_files_of_the_source(refused, tmp_path, source, suffix):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "readme.txt").touch()
    line = refused("--source", source, "--input", tmp_path / "in")
    assert line.startswith(f"{tmp_path / 'in'}: holds n")
    assert suffix in line
    assert "or choose another --source" in line


def test_one_file_of_another_kind(refused, tmp_path):
    (tmp_path / "cell.csv").touch()
    line = refused("--source", "matr", "--input", tmp_path / "cell.csv")
    assert line.startswith(f"{tmp_path / 'cell.csv'}: holds no MATR .mat files")


@pytest.mark.parametrize("source", ["matr", "nasa"])
@pytest.mark.parametrize("content", [b"", b"voltage,current\n" * 20, bytes(4096)])
def test_a_mat_file_that_is_none(refused, tmp_path, source, content):
    path = tmp_path / "cell.mat"
    path.write_bytes(content)
    assert refused("--source", source, "--input", path).startswith(f"{path}")


def test_a_matr_file_given_as_nasa(refused, lab):
    assert refused("--source", "nasa", "--input", lab).startswith(f"{lab}: ")


def test_a_nasa_file_given_as_matr(refused, tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    savemat(tmp_path / "B0005.mat", {"B0005": {"cycle": []}})
    line = refused("--source", "matr", "--input", tmp_path)
    assert "B0005.mat: is a MATLAB v5 file, expected MATLAB v7.3 (HDF5)" in line


def test_a_truncated_matr_file(refused, lab):
    lab.write_bytes(lab.read_bytes()[:-2000])
    assert f"{lab}: not a readable MATLAB v7.3" in refused("--source", "matr", "--input", lab)


def test_a_damaged_cycle_in_a_matr_file(refused, lab):
    with h5py.File(lab, "r+") as file:
        file[file["batch/cycles"][2, 0]]["Qc"][1, 0] = h5py.Reference()
    line = refused("--source", "matr", "--input", lab)
    assert line.startswith(f"{lab}: lab_c2 cycle 1: `Qc` is missing: its reference leads nowhere.")
    assert line.endswith("1 of 4 cells cannot be used; add --skip-bad-files to go on without.")


def test_a_bdf_file_without_a_column(refused, tmp_path):
    (tmp_path / "c0.bdf.csv").write_text("Cycle Count / 1,Test Time / s,Voltage / V\n1,0,3.3\n")
    line = refused("--source", "bdf", "--input", tmp_path, "--nominal-capacity-ah", 1.1)
    expected = "expected the column Current / A or current_ampere (also in mA), found Cycle"
    assert f"c0.bdf.csv: {expected}" in line


def test_two_formats_in_one_folder(refused, lab):
    (lab.parent / "c0.bdf.csv").write_text("Test Time / s,Voltage / V,Current / A\n0,3.3,1\n")
    line = refused("--input", lab.parent)
    assert "lab.mat" in line
    assert "c0.bdf.csv" in line
    assert "--source" in line


def test_a_pickle_that_would_run_something(refused, tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cell.pkl").write_bytes(pickle.dumps({"cycle_data": [Hostile()]}))
    line = refused("--input", tmp_path / "in")
    assert "mkdir" in line
    assert not (tmp_path / "made").exists()


def test_a_folder_of_nothing_that_is_known(refused, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.docx").write_bytes(b"PK")
    assert "notes.docx" in refused("--input", tmp_path / "in")


def test_a_bdf_file_without_a_nominal_capacity(refused, tmp_path):
    text = "Cycle Count / 1,Test Time / s,Voltage / V,Current / A\n1,0,3.3,1.1\n"
    (tmp_path / "c0.bdf.csv").write_text(text)
    line = refused("--source", "bdf", "--input", tmp_path)
    assert "the nominal capacity of cell c0 is unknown. Give --nominal-capacity-ah" in line


def test_amperes_where_a_c_rate_is_promised(refused, tmp_path):
    cells = [matr_cell(1) for _ in range(4)]
    cells[3].cycles[0]["I"] = np.full(21, 1.1)
    path = write_matr_like(tmp_path / "lab.mat", cells)
    line = refused("--source", "matr", "--input", path)
    assert line.startswith("lab.mat: lab_c3: over time the current adds up to 1.1 times")
    assert "or leave the cell out with --exclude lab_c3." in line
    assert line.endswith("1 of 4 cells cannot be used; add --skip-bad-files to go on without.")


def test_an_excluded_cell_that_is_not_there(refused, lab):
    line = refused("--source", "matr", "--input", lab, "--exclude", "lab_c1,b1c0")
    assert line == "--exclude b1c0: no such cell. Cells: lab_c0, lab_c1, lab_c2, lab_c3."


def test_too_few_charges_to_split(refused, lab):
    line = refused("--source", "matr", "--input", lab, "--exclude", "lab_c0,lab_c1")
    assert line.startswith("cannot split 2 samples into train, validation and test: need 3 or more")


def test_too_few_cells_to_split(refused, tmp_path):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(3), matr_cell(3)])
    line = refused("--source", "matr", "--input", path, "--split", "cell")
    assert line.startswith("cannot split 2 cells")
    assert line.endswith("Give more cells, or --split sample.")


def test_no_usable_charge_in_any_cell(refused, tmp_path):
    discharge = matr_cycle(c_rate=-1.0)
    cells = [matr_cell(1) for _ in range(5)]
    for cell in cells:
        cell.cycles = [discharge]
    path = write_matr_like(tmp_path / "lab.mat", cells)
    line = refused("--source", "matr", "--input", path)
    assert line.startswith("no charge is left of 5 cells (lab_c0: 1 no_charge; cycle 1: the curr")
    assert line.endswith("; and 2 more). Look at the files and at --source.")


def test_no_cell_with_an_end_of_life(refused, tmp_path):
    cells = [matr_cell(1, cycle_life=np.nan) for _ in range(2)]
    line = refused("--source", "matr", "--input", write_matr_like(tmp_path / "lab.mat", cells))
    assert "lab_c0: discharge capacity never falls below 0.88 Ah" in line
    assert line.endswith("add --eol-fallback last.")


def test_real_nasa_cells_without_the_flag_for_their_end_of_life(refused, shared_data):
    line = refused("--source", "nasa", "--input", shared_data / "nasa")
    assert line.startswith("no charge is left of 3 cells (B0025: ")
    assert "B0025: discharge capacity never falls below 1.6 Ah" in line
    assert "B0045: discharge capacity is below 1.6 Ah from cycle 1 on" in line
    assert "B0046: " in line
    assert "--eol-fallback last" in line


def test_an_output_that_is_a_file(capsys, output):
    output.touch()
    assert exit_code(main, ["--output", str(output)]) == 2
    assert one_error_line(capsys).endswith("out: is a file, expected a folder to make.")


def test_an_output_below_a_file(refused, lab):
    line = refused("--source", "matr", "--input", lab, "--output", lab / "below")
    assert line.startswith(f"--output {lab / 'below'}: cannot be made (")


@pytest.mark.parametrize("name", [".", ".."])
def test_an_output_that_is_the_working_folder_or_above(refused, tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    line = refused("--output", name, "--overwrite")
    assert line.startswith(f"--output {name}: is the working folder or holds it")


def test_an_output_that_is_not_empty(capsys, output):
    output.mkdir()
    (output / CARD_NAME).write_text("{}")
    assert exit_code(main, ["--output", str(output)]) == 2
    assert one_error_line(capsys).endswith("or add --overwrite.")
    assert (output / CARD_NAME).read_text() == "{}"


def test_overwrite_does_not_delete_what_is_no_data_set(capsys, output):
    output.mkdir()
    (output / "thesis.tex").touch()
    assert exit_code(main, ["--output", str(output), "--overwrite"]) == 2
    assert "holds something else than a data set" in one_error_line(capsys)
    assert (output / "thesis.tex").exists()


def test_a_fresh_process_ends_with_2_one_line_and_no_trace(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "data_prep", "--output", str(tmp_path / "out"), "--cycles", "-3"],
        cwd=CHECKOUT,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "python -m data_prep: error: `cycles` must be an integer of 1 or more. "
        "Received: cycles=-3.\n"
    )
