"""What the formats of generated sets hold, value by value."""

import csv
import errno
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pyarrow.parquet import ParquetFile

from data_prep.errors import SettingsError
from rcvae_tf.generation.formats import FORMATS, bdf_reference, cells, format_of
from rcvae_tf.generation.formats.tables import even_times
from tests.rcvae_tf.format_builders import (
    POLICY,
    generated_set,
    whole,
    write_set,
    write_set_at,
)

BDF_HEADER = (
    "Test Time / s,Voltage / V,Current / A,Unix Time / s,Cycle Count / 1,Step Count / 1,"
    "Ambient Temperature / degC,Surface Temperature / degC,Cycle Charging Capacity / Ah"
)


def bytes_of(path):
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("charges.csv", "csv"),
        ("charges.NPZ", "npz"),
        ("charges.mat", "matr"),
        ("charges.h5", "matr"),
        ("charges.bdf.csv", "bdf-csv"),
        ("charges.bdf.parquet", "bdf-parquet"),
    ],
)
def test_the_ending_of_an_output_tells_its_format(name, expected):
    assert format_of(Path(name), None).name == expected
    assert format_of(Path(name), expected).name == expected


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_without_ending_takes_the_format_asked_for(name):
    assert format_of(Path("out"), name) is FORMATS[name]


@pytest.mark.parametrize(
    ("name", "asked", "message"),
    [
        ("out", None, r"--output out: must end with one of .*\.npz.*--format \(bdf-parquet"),
        ("out.json", None, r"--output out\.json: must end with one of"),
        ("out.npz", "csv", r"name of --format npz, asked for is csv\. Give a name that ends .*csv"),
        ("out.csv", "bdf-csv", r"asked for is bdf-csv\. Give the name of a folder"),
        ("out", "xlsx", r"--format xlsx: unknown\. Choose one of bdf-parquet"),
    ],
)
def test_a_format_that_is_not_told_or_told_twice_is_refused(name, asked, message):
    with pytest.raises(SettingsError, match=message):
        format_of(Path(name), asked)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("block", [1, 9])
def test_how_charges_are_cut_into_blocks_changes_no_byte(tmp_path, name, block):
    written = [
        bytes_of(write_set(FORMATS[name], tmp_path, *generated_set(block=size), str(size))[0])
        for size in (4, block)
    ]
    first, second = (list(files.values()) for files in written)
    assert first == second
    assert len(first) == {"bdf-csv": 4, "bdf-parquet": 4, "tfrecord": 4}.get(name, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_a_writer_names_what_it_wrote_and_leaves_nothing_else(tmp_path, name):
    path, files = write_set(FORMATS[name], tmp_path, *generated_set())
    there = sorted(file for file in path.parent.rglob("*") if file.is_file())
    assert sorted(path / file for file in files) == there
    assert not any(file.name.startswith(".") for file in there)


@pytest.mark.parametrize("name", FORMATS)
def test_a_writer_that_is_discarded_lets_go_of_its_files(tmp_path, name):
    facts, blocks = generated_set()
    path = tmp_path / f"set{FORMATS[name].suffix}"
    if FORMATS[name].is_folder:
        path.mkdir()
    writer = FORMATS[name].open(path, facts)
    writer.add(blocks[0])
    writer.discard()
    # An open file would be a ResourceWarning, and that an error.
    del writer


@pytest.mark.parametrize("name", ["bdf-csv", "bdf-parquet", "tfrecord"])
def test_an_unknown_nominal_capacity_is_refused_where_a_format_needs_it(tmp_path, name):
    facts, _ = generated_set(nominal_capacity_ah=None)
    with pytest.raises(SettingsError, match=f"{name} needs `nominal_capacity_ah`.*csv or npz"):
        FORMATS[name].open(tmp_path, facts)


def test_a_set_of_two_charges_cannot_be_split(tmp_path):
    facts, _ = generated_set(cells=((500, 1),), ecl=(1, 2))
    with pytest.raises(SettingsError, match=r"needs 3 charges or more, asked for are 2\."):
        FORMATS["tfrecord"].open(tmp_path, facts)


def test_time_is_even_to_the_last_digit_of_a_double():
    elapsed_s = np.array([[0.0, 333.3333435, 666.666687, 1000.0]], np.float32)
    assert_allclose(even_times(elapsed_s), [[0.0, 1000 / 3, 2000 / 3, 1000.0]], rtol=1e-15)


def test_csv_keeps_the_columns_of_a_point(tmp_path):
    facts, blocks = generated_set(cells=((500, 2),), ecl=(9, 30), grid=(1, 3))
    block = blocks[0]
    block.curves["voltage_v"][:] = [[3.0, 3.25, 3.3], [3.1, 3.2, 3.6]]
    block.curves["current_c_rate"][:] = [[4.0, 1.0, 0.5], [2.0, 1.5, 0.05]]
    block.curves["charge_capacity_ah"][:] = [[0.0, 0.5, 1.0], [0.0, 0.25, 0.75]]
    block.curves["elapsed_time_s"][:] = [[0.0, 1234.5678, 2469.1356], [0.0, 450.0, 900.0]]
    path, _ = write_set(FORMATS["csv"], tmp_path, facts, blocks)
    assert path.read_text().splitlines() == [
        "sample,eol,ecl,policy,in_support,projected,point,"
        "elapsed_time_s,voltage_v,current_c_rate,charge_capacity_ah",
        f"2,500,9,{POLICY},1,1,0,0,3,4,0",
        f"2,500,9,{POLICY},1,1,1,1234.5677,3.25,1,0.5",
        f"2,500,9,{POLICY},1,1,2,2469.1355,3.3,0.5,1",
        f"2,500,30,{POLICY},0,0,0,0,3.1,2,0",
        f"2,500,30,{POLICY},0,0,1,450,3.2,1.5,0.25",
        f"2,500,30,{POLICY},0,0,2,900,3.6,0.05,0.75",
    ]


@pytest.mark.parametrize("policy", ["", 'a, "b"'])
def test_csv_has_any_text_in_one_column(tmp_path, policy):
    facts, blocks = generated_set(cells=((500, 1),), ecl=(1,), grid=(1, 2), policy=policy)
    path, _ = write_set(FORMATS["csv"], tmp_path, facts, blocks)
    with path.open(newline="") as file:
        assert [row["policy"] for row in csv.DictReader(file)] == [policy, policy]


def test_csv_keeps_every_bit_of_float32(tmp_path):
    facts, blocks = generated_set()
    path, _ = write_set(FORMATS["csv"], tmp_path, facts, blocks)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    _, _, curves = whole(blocks)
    for name, values in curves.items():
        assert_array_equal(np.array([row[name] for row in rows], np.float32), values.ravel())


def test_npz_has_arrays_by_signal_and_facts_by_charge(tmp_path):
    facts, blocks = generated_set(temperature=True)
    path, _ = write_set(FORMATS["npz"], tmp_path, facts, blocks)
    labels, ids, curves = whole(blocks)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored}
    for name, values in curves.items():
        assert_array_equal(arrays[name], values)
        assert arrays[name].dtype == np.float32
    assert_array_equal(arrays["eol"], labels[:, 0])
    assert_array_equal(arrays["ecl"], labels[:, 1])
    assert arrays["cell_id"].tolist() == ids
    assert arrays["policy"].tolist() == [POLICY] * 9
    assert arrays["draw"].tolist() == [1, 1, 1, 2, 2, 2, 1, 1, 1]
    assert arrays["in_support"].tolist() == [True, True, False] * 3
    assert arrays["projected"].tolist() == [True, False, False] * 3
    assert arrays["synthetic"].item() is True
    assert json.loads(arrays["provenance"].item()) == facts.provenance


def test_npz_without_a_policy_has_empty_texts(tmp_path):
    path, _ = write_set(FORMATS["npz"], tmp_path, *generated_set(policy=""))
    with np.load(path) as stored:
        assert stored["policy"].tolist() == [""] * 9


def bdf_table(path):
    reads = pd.read_csv if path.suffix == ".csv" else pd.read_parquet
    return reads(path)


@pytest.mark.parametrize("variant", ["csv", "parquet"])
def test_bdf_has_the_required_and_recommended_columns_in_its_units(tmp_path, variant):
    facts, blocks = generated_set(temperature=True, nominal_capacity_ah=2.5, ecl=(4, 9))
    path, files = write_set(FORMATS[f"bdf-{variant}"], tmp_path, facts, blocks)
    names = [f"synthetic_eol{eol}_{draw}.bdf.{variant}" for eol, draw in ((500, 1), (500, 2))]
    assert [str(file) for file in files][:3] == ["cells.csv", *names]
    table = bdf_table(path / names[0])
    assert ",".join(table.columns) == BDF_HEADER
    _, _, curves = whole(blocks)
    flat = {name: values[:2].ravel() for name, values in curves.items()}
    assert_array_equal(table["Cycle Count / 1"], np.repeat([4, 9], 256))
    assert_array_equal(table["Step Count / 1"], np.repeat([1, 2], 256))
    assert_allclose(table["Voltage / V"], flat["voltage_v"], rtol=1e-7)
    assert_allclose(table["Current / A"], 2.5 * flat["current_c_rate"], rtol=2e-7)
    assert_allclose(table["Surface Temperature / degC"], flat["temperature_degc"], rtol=1e-7)
    assert_allclose(
        table["Cycle Charging Capacity / Ah"], flat["charge_capacity_ah"], rtol=1e-7, atol=1e-12
    )
    assert table[["Unix Time / s", "Ambient Temperature / degC"]].isna().all(axis=None)


@pytest.mark.parametrize("variant", ["csv", "parquet"])
def test_bdf_rests_an_hour_between_charges(tmp_path, variant):
    facts, blocks = generated_set()
    path, _ = write_set(FORMATS[f"bdf-{variant}"], tmp_path, facts, blocks)
    time_s = bdf_table(path / f"synthetic_eol500_1.bdf.{variant}")["Test Time / s"].to_numpy()
    duration_s = float(blocks[0].curves["elapsed_time_s"][0, -1])
    assert_allclose(time_s[[0, 255, 256]], [0.0, duration_s, duration_s + 3600.0], atol=1e-9)
    assert (np.diff(time_s) > 0).all()


def test_bdf_without_temperature_has_no_column_of_it(tmp_path):
    path, _ = write_set(FORMATS["bdf-csv"], tmp_path, *generated_set())
    header = (path / "synthetic_eol800_1.bdf.csv").read_text().split("\n")[0]
    assert header == BDF_HEADER.replace("Surface Temperature / degC,", "")


def test_bdf_facts_of_cells_lie_beside_their_tables(tmp_path):
    path, _ = write_set(FORMATS["bdf-parquet"], tmp_path, *generated_set(max_voltage_v=None))
    assert (path / "cells.csv").read_text().splitlines() == [
        "cell_id,eol_cycles,nominal_capacity_ah,max_voltage_v,charge_policy,generated,draw,"
        "charges,out_of_support,projected",
        f"synthetic_eol500_1,500,1.1,,{POLICY},1,1,3,1,1",
        f"synthetic_eol500_2,500,1.1,,{POLICY},1,2,3,1,1",
        f"synthetic_eol800_1,800,1.1,,{POLICY},1,1,3,1,1",
    ]


def test_parquet_says_that_it_is_synthetic_and_where_from(tmp_path):
    facts, blocks = generated_set()
    path, _ = write_set(FORMATS["bdf-parquet"], tmp_path, facts, blocks)
    with ParquetFile(path / "synthetic_eol800_1.bdf.parquet") as file:
        metadata = {k.decode(): v.decode() for k, v in file.schema_arrow.metadata.items()}
    assert metadata["synthetic"].startswith("Synthetic: generated by a model")
    assert (metadata["cell_id"], metadata["eol_cycles"]) == ("synthetic_eol800_1", "800")
    assert json.loads(metadata["provenance"]) == facts.provenance


def test_a_cell_that_comes_back_is_refused_and_not_written_over(tmp_path):
    facts, blocks = generated_set(block=3)
    with pytest.raises(FileExistsError, match="synthetic_eol500_1"):
        write_set(FORMATS["bdf-csv"], tmp_path, facts, [*blocks, blocks[0]])


def test_matr_says_that_it_is_synthetic_and_holds_charges_alone(tmp_path):
    facts, blocks = generated_set(ecl=(1, 3))
    path, _ = write_set(FORMATS["matr"], tmp_path, facts, blocks)
    assert path.read_bytes().startswith(b"MATLAB 7.3 MAT-file")
    with h5py.File(path) as file:
        assert file.attrs["synthetic"].startswith("Synthetic: generated by a model")
        assert json.loads(file.attrs["provenance"]) == facts.provenance
        batch = file["batch"]
        cycles, summary = file[batch["cycles"][1, 0]], file[batch["summary"][1, 0]]
        series = {name: [file[r][()] for r in cycles[name][:, 0]] for name in cycles}
        life = file[batch["cycle_life"][1, 0]][()]
        numbers = {name: summary[name][0].tolist() for name in summary}
    _, _, curves = whole(blocks)
    assert life.tolist() == [[500.0]]
    assert [values.size for values in series["V"]] == [2, 256, 2, 256]
    assert_array_equal(series["V"][3][0], curves["voltage_v"][3])
    assert_array_equal(series["I"][1][0], curves["current_c_rate"][2])
    assert_allclose(series["t"][1][0] * 60.0, curves["elapsed_time_s"][2], rtol=1e-6)
    assert np.isnan(series["T"][1]).all()
    assert not series["Qd"][1].any()
    assert numbers["cycle"] == [0, 1, 0, 3]
    assert numbers["draw"] == [0, 2, 0, 2]
    assert numbers["in_support"] == [0, 1, 0, 0]
    assert numbers["projected"] == [0, 1, 0, 0]
    assert np.isnan(numbers["QDischarge"][1])
    assert numbers["QCharge"][3] == curves["charge_capacity_ah"][3, -1]


def test_a_writer_holds_no_more_than_a_part_of_one_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "POINTS_AT_ONCE", 4 * 256)
    held = []

    class Sink:
        def add(self, part):
            held.append((part.cell_id, part.ecl.tolist()))

        def end_cell(self, last):
            held.append((last.cell_id, "end"))

        def close(self):
            held.append("close")

    facts, blocks = generated_set(cells=((500, 1), (500, 2)), ecl=range(1, 10), block=7)
    writer = cells.CellByCell(Sink(), tmp_path, facts)
    for block in blocks:
        writer.add(block)
        assert sum(map(len, writer._pending)) <= 4
    writer.close()
    parts = [[1, 2, 3, 4], [5, 6, 7, 8], [9], "end"]
    assert held == [
        *(("synthetic_eol500_1", part) for part in parts),
        *(("synthetic_eol500_2", part) for part in parts),
        "close",
    ]


def test_a_table_of_several_parts_is_as_one(tmp_path, monkeypatch):
    facts, blocks = generated_set(ecl=range(1, 10))
    names = [f"bdf-{variant}" for variant in ("csv", "parquet")]
    paths = [write_set(FORMATS[name], tmp_path, facts, blocks, name)[0] for name in names]
    monkeypatch.setattr(cells, "POINTS_AT_ONCE", 4 * 256)
    more = [write_set(FORMATS[n], tmp_path, facts, blocks, f"{n}-parts")[0] for n in names]
    for whole_path, parts_path in zip(paths, more, strict=True):
        for path in sorted(whole_path.iterdir()):
            if path.name != "cells.csv":
                pd.testing.assert_frame_equal(bdf_table(path), bdf_table(parts_path / path.name))
    with ParquetFile(more[1] / "synthetic_eol500_1.bdf.parquet") as file:
        assert file.num_row_groups == 3


@pytest.mark.parametrize("name", ["csv", "npz", "bdf-csv", "bdf-parquet", "tfrecord"])
def test_a_full_disk_is_an_error_of_the_system(tmp_path, name):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    facts, blocks = generated_set(ecl=range(1, 40))
    path = tmp_path / "set"
    if name in ("csv", "npz"):
        path.symlink_to("/dev/full")
    else:
        path.mkdir()
        (path / "cells.csv" if name != "tfrecord" else path / ".train-00000").symlink_to(
            "/dev/full"
        )
    with pytest.raises(OSError, match="No space left") as caught:
        write_set_at(path, FORMATS[name], facts, blocks)
    assert caught.value.errno == errno.ENOSPC


def test_matr_asks_for_room_before_it_writes(tmp_path, monkeypatch):
    facts, blocks = generated_set()
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("data_prep.synthetic.matr_file.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="No space left") as caught:
        write_set_at(tmp_path / "set.mat", FORMATS["matr"], facts, blocks)
    assert caught.value.errno == errno.ENOSPC


def test_the_reference_validator_is_asked_only_where_it_is_installed(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(bdf_reference, "reference_problems", lambda path: asked.append(path) or [])
    for found in (None, object()):
        monkeypatch.setattr(bdf_reference.importlib.util, "find_spec", lambda _, found=found: found)
        write_set(FORMATS["bdf-csv"], tmp_path, *generated_set(), name=str(bool(found)))
    assert asked == [tmp_path / "True" / "synthetic_eol500_1.bdf.csv"]


def test_the_reference_validator_finds_nothing_wrong(tmp_path):
    pytest.importorskip("bdf", reason="batterydf is not installed")
    for variant in ("csv", "parquet"):
        path, _ = write_set(FORMATS[f"bdf-{variant}"], tmp_path, *generated_set(), name=variant)
        table = path / f"synthetic_eol500_1.bdf.{variant}"
        assert bdf_reference.reference_problems(table) == []
