from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from rcvae_tf.conditions import Condition
from rcvae_tf.generation.sampler import GeneratedCharges
from rcvae_tf.generation.writers import check_output, write_charges

CURVES = {
    "voltage_v": np.array([[3.0, 3.25], [3.5, 3.6]], np.float32),
    "current_c_rate": np.array([[4.0, 1.0], [2.0, 0.5]], np.float32),
    "elapsed_time_s": np.array([[0.0, 1234.5678], [0.0, 900.0]], np.float32),
}
CHARGES = GeneratedCharges(
    condition=Condition(800, 50),
    policy="5.4C(40%)-3.6C",
    policy_match=None,
    matched=Condition(790, 51),
    distance=9.1,
    in_support=True,
    curves=CURVES,
    projected=np.array([False, True]),
)


def test_csv_has_one_row_a_point_and_time_first(tmp_path):
    write_charges(CHARGES, tmp_path / "charges.csv", overwrite=False)
    assert (tmp_path / "charges.csv").read_text().splitlines() == [
        "sample,eol,ecl,policy,in_support,projected,point,elapsed_time_s,voltage_v,current_c_rate",
        "1,800,50,5.4C(40%)-3.6C,1,0,0,0,3,4",
        "1,800,50,5.4C(40%)-3.6C,1,0,1,1234.568,3.25,1",
        "2,800,50,5.4C(40%)-3.6C,1,1,0,0,3.5,2",
        "2,800,50,5.4C(40%)-3.6C,1,1,1,900,3.6,0.5",
    ]


def test_npz_has_arrays_by_signal_and_the_condition(tmp_path):
    write_charges(CHARGES, tmp_path / "charges.NPZ", overwrite=False)
    with np.load(tmp_path / "charges.NPZ") as stored:
        for name, values in CURVES.items():
            assert_array_equal(stored[name], values)
            assert stored[name].dtype == np.float32
        facts = {name: stored[name].tolist() for name in stored if name not in CURVES}
    assert facts == {
        "eol": 800,
        "ecl": 50,
        "matched_eol": 790,
        "matched_ecl": 51,
        "distance": 9.1,
        "in_support": True,
        "policy": "5.4C(40%)-3.6C",
        "projected": [False, True],
        "synthetic": True,
    }


def test_csv_keeps_what_float32_holds(tmp_path):
    values = np.random.default_rng(0).normal(3.0, 1.0, (2, 8)).astype(np.float32)
    charges = replace(CHARGES, curves={"voltage_v": values})
    write_charges(charges, tmp_path / "charges.csv", overwrite=False)
    table = np.genfromtxt(tmp_path / "charges.csv", delimiter=",", names=True)
    assert_allclose(table["voltage_v"].reshape(2, 8), values, rtol=5e-7)


def test_csv_without_a_policy_has_an_empty_place_for_it(tmp_path):
    charges = replace(CHARGES, policy="", in_support=False)
    write_charges(charges, tmp_path / "charges.csv", overwrite=False)
    lines = (tmp_path / "charges.csv").read_text().splitlines()
    assert lines[1] == "1,800,50,,0,0,0,0,3,4"


def test_only_the_output_is_left(tmp_path):
    write_charges(CHARGES, tmp_path / "charges.csv", overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["charges.csv"]


@pytest.mark.parametrize("name", ["charges.json", "charges", "charges.csv.gz"])
def test_an_unknown_ending_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match=rf"{name}: must end with one of \.csv, \.npz"):
        write_charges(CHARGES, tmp_path / name, overwrite=False)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"the folder .*nowhere does not exist\. Make it\."):
        write_charges(CHARGES, tmp_path / "nowhere" / "charges.csv", overwrite=False)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path):
    path = tmp_path / "charges.csv"
    path.write_text("measured")
    with pytest.raises(SettingsError, match=r"charges\.csv: exists\. .* add --overwrite\."):
        write_charges(CHARGES, path, overwrite=False)
    assert path.read_text() == "measured"
    write_charges(CHARGES, path, overwrite=True)
    assert path.read_text().startswith("sample,eol")


def test_an_output_that_cannot_be_written_is_one_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "charges.csv"
    path.mkdir()
    with pytest.raises(SettingsError, match=r"charges\.csv: cannot be written: Is a directory\."):
        write_charges(CHARGES, path, overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["charges.csv"]


def test_the_check_before_the_work_says_the_same(tmp_path):
    with pytest.raises(SettingsError, match=r"must end with one of"):
        check_output(tmp_path / "charges.txt", overwrite=False)
    check_output(tmp_path / "charges.csv", overwrite=False)
