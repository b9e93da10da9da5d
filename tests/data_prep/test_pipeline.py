import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep import output_folder, pipeline, writing
from data_prep.__main__ import main
from data_prep.config import PrepConfig
from data_prep.dataset_card import CARD_NAME, read_card, sha256
from data_prep.errors import SettingsError, SourceError
from data_prep.pipeline import prepare
from data_prep.quasi_video import unpack
from data_prep.records import SIGNALS
from data_prep.shards import read_split
from data_prep.splitting import SPLITS
from tests.builders import matr_cell, read_cells, write_matr_like

pytest.importorskip("tensorflow")
h5py = pytest.importorskip("h5py")

LIVES = (300.0, 741.0, 900.0, 1190.0)
WITHOUT_TEMPERATURE = tuple(name for name in SIGNALS if name != "temperature_degc")


def lab_cells():
    """Four cells of five cycles to 3.6 V.

    Cycle n of cell k begins at 3 V + k / 10 + n / 100 and 25 + n degC.
    """
    cells = [matr_cell(5, cycle_life=life, policy=f"{life:g}") for life in LIVES]
    for k, cell in enumerate(cells):
        for n, cycle in enumerate(cell.cycles, start=1):
            cycle["V"] = np.linspace(3.0 + k / 10 + n / 100, 3.6, 21)
            cycle["T"] = cycle["T"] + n
    return cells


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "in").mkdir()
    return write_matr_like(tmp_path / "in" / "lab.mat", lab_cells())


def config_for(path, name="out", **options):
    places = {"input": str(path), "output": str(path.parent.parent / name)}
    return PrepConfig(**{"source": "matr", "height": 2, "width": 3, **places, **options})


def prepared(path, name="out", **options):
    config = config_for(path, name, **options)
    prepare(config)
    folder = path.parent.parent / name
    return folder, read_card(folder)


def all_samples(folder, card):
    """Curves by cell and cycle, over all splits."""
    found = {}
    for split in SPLITS:
        arrays = read_split(folder, card, split)
        keys = zip(arrays["cell_id"], arrays["ecl"], strict=True)
        found |= {
            (cell_id.decode(), int(ecl)): curves
            for (cell_id, ecl), curves in zip(keys, unpack(arrays["quasi_video"]), strict=True)
        }
    return found


def test_every_charge_is_written_once_on_an_even_grid_in_units(lab):
    folder, card = prepared(lab)
    samples = all_samples(folder, card)
    assert set(samples) == {(f"lab_c{k}", n) for k in range(4) for n in range(1, 6)}
    # Six points over an hour at 1 C: 720 s and 0.22 Ah apart; 0.36 V in fifths; cycle 4.
    voltage, current, temperature, capacity, time = samples["lab_c2", 4]
    assert_allclose(voltage, [3.24, 3.312, 3.384, 3.456, 3.528, 3.6], rtol=1e-6)
    assert_allclose(current, np.ones(6), rtol=1e-6)
    assert_allclose(temperature, [29.0, 30.2, 31.4, 32.6, 33.8, 35.0], rtol=1e-6)
    assert_allclose(capacity, [0.0, 0.22, 0.44, 0.66, 0.88, 1.1], rtol=1e-6)
    assert_allclose(time, [0, 720, 1440, 2160, 2880, 3600], rtol=1e-6)


def test_labels_and_policies_are_those_of_the_cell(lab):
    folder, card = prepared(lab)
    for split in SPLITS:
        arrays = read_split(folder, card, split)
        for cell_id, eol, policy in zip(
            arrays["cell_id"], arrays["eol"], arrays["charge_policy"], strict=True
        ):
            assert eol == LIVES[int(cell_id.decode()[-1])]
            assert policy.decode() == f"{eol}"


def test_the_card_says_what_was_made(lab):
    folder, card = prepared(lab, seed=3)
    # 20 samples: 20 * 94 // 124 = 15, of which 3 for validation.
    assert [card.num_samples(split) for split in SPLITS] == [12, 3, 5]
    assert card.source == {
        "name": "matr",
        "files": [{"name": "lab.mat", "bytes": lab.stat().st_size, "sha256": sha256(lab)}],
    }
    assert card.cells["lab_c1"] == {
        "eol_cycles": 741,
        "eol_source": "file",
        "nominal_capacity_ah": 1.1,
        "max_voltage_v": 3.6,
        "synthetic": False,
        "charge_policy": "741",
        "samples": 5,
    }
    assert card.signals_present == SIGNALS
    assert (card.preparation["seed"], card.preparation["cycles"]) == (3, 100)
    for entries in card.shards.values():
        assert all(sha256(folder / entry["name"]) == entry["sha256"] for entry in entries)


def test_the_card_names_no_place_on_the_disk(lab, tmp_path):
    folder, _ = prepared(lab)
    assert str(tmp_path) not in (folder / CARD_NAME).read_text(encoding="utf-8")


def test_nothing_but_the_data_set_is_left_in_place(lab, tmp_path):
    folder, card = prepared(lab)
    shards = {entry["name"] for entries in card.shards.values() for entry in entries}
    assert {path.name for path in folder.iterdir()} == shards | {CARD_NAME}
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_two_preparations_give_equal_bytes(lab):
    first, _ = prepared(lab, "first")
    second, _ = prepared(lab, "second")
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_another_seed_gives_another_split(lab):
    tests = []
    for seed in (0, 1):
        folder, card = prepared(lab, f"seed{seed}", seed=seed)
        arrays = read_split(folder, card, "test")
        tests.append(set(zip(arrays["cell_id"], arrays["ecl"], strict=True)))
    assert tests[0] != tests[1]


def test_a_cell_split_keeps_cells_apart(lab):
    folder, card = prepared(lab, split="cell")
    cells = {split: set(read_split(folder, card, split)["cell_id"]) for split in SPLITS}
    # 4 * 94 // 124 = 3 cells, of which 1 for validation.
    assert [len(cells[split]) for split in SPLITS] == [2, 1, 1]
    assert len(set.union(*cells.values())) == 4


def test_only_the_cycles_asked_for(lab):
    folder, card = prepared(lab, cycles=2)
    assert {cycle for _, cycle in all_samples(folder, card)} == {1, 2}
    assert card.cleaning["cycles_read"] == 8


@pytest.mark.parametrize(("split", "changes"), [("test", False), ("train", True)])
def test_statistics_are_of_the_training_split_alone(lab, split, changes):
    folder, card = prepared(lab)
    arrays = read_split(folder, card, split)
    cell, cycle = int(arrays["cell_id"][0].decode()[-1]), int(arrays["ecl"][0])
    cells = lab_cells()
    cells[cell].cycles[cycle - 1]["T"] = np.linspace(50.0, 55.0, 21)
    write_matr_like(lab, cells)
    _, other = prepared(lab, "other")
    assert (other.statistics != card.statistics) == changes


def test_statistics_are_in_units(lab):
    _, card = prepared(lab)
    time = card.statistics["elapsed_time_s"]
    assert (time.minimum, time.maximum, time.mean) == (0.0, 3600.0, 1800.0)
    assert_allclose(time.mean_curve, [0, 720, 1440, 2160, 2880, 3600], rtol=1e-6)
    assert card.statistics["current_c_rate"].spread == 0.0


def test_the_command_prints_what_it_made(lab, capsys):
    output = lab.parent.parent / "out"
    argv = ["--source", "matr", "--input", str(lab.parent), "--output", str(output)]
    assert main([*argv, "--height", "2", "--width", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"{output}: 20 samples (12 train, 3 validation, 5 test)",
        f"signals: {', '.join(SIGNALS)}",
        f"next: python -m rcvae_tf.train --data {output}",
    ]


# Counting.


@pytest.fixture
def damaged_lab(lab):
    """NaN, no charge, a spike; c1 has no life on record and c3 no charge at all."""
    cells = lab_cells()
    cells[0].cycles[1]["V"][7] = np.nan
    cells[0].cycles[2]["I"][:] = 0.0
    cells[2].cycles[4]["V"][3] = 8.39
    cells[1].cycle_life = np.nan
    for cycle in cells[3].cycles:
        cycle["I"][:] = -1.0
    return write_matr_like(lab, cells)


def test_cycles_read_are_kept_or_rejected_in_the_card(damaged_lab):
    folder, card = prepared(damaged_lab)
    cleaning = card.cleaning
    assert (cleaning["cycles_read"], cleaning["cycles_kept"]) == (20, 7)
    assert cleaning["cycles_rejected"] == {
        "cell_dropped": 5,
        "no_charge": 6,
        "not_finite": 1,
        "voltage_out_of_range": 1,
    }
    assert (cleaning["cells_read"], cleaning["cells_kept"]) == (4, 2)
    assert cleaning["kept_cycles_by_cell"] == {"lab_c0": 3, "lab_c2": 4}
    assert list(card.cells) == ["lab_c0", "lab_c2"]
    assert set(all_samples(folder, card)) == {
        *(("lab_c0", n) for n in (1, 4, 5)),
        *(("lab_c2", n) for n in (1, 2, 3, 4)),
    }


def test_cycles_read_are_kept_or_rejected_on_the_screen(damaged_lab, caplog):
    caplog.set_level(logging.INFO)
    prepare(config_for(damaged_lab))
    assert "cells read 4 = 2 kept + 2 dropped" in caplog.messages
    assert "cycles read 20 = 7 kept + 13 rejected" in caplog.messages
    text = "\n".join(caplog.messages)
    for reason in ("eol_not_reached", "no_usable_charge", "not_finite", "voltage_out_of_range"):
        assert reason in text


def test_an_excluded_cell_is_named_and_its_cycles_are_counted(lab):
    _, card = prepared(lab, exclude=("lab_c1", "lab_c3"), cycles=3)
    dropped = {cell["cell_id"]: cell for cell in card.cleaning["cells_dropped"]}
    assert set(dropped) == {"lab_c1", "lab_c3"}
    assert (dropped["lab_c1"]["reason"], dropped["lab_c1"]["num_cycles"]) == ("excluded", 3)
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_kept"]) == (12, 6)


def test_an_unknown_excluded_cell_is_named_with_those_that_exist(lab):
    message = r"--exclude lab_c7: no such cell\. Cells: lab_c0, lab_c1, lab_c2, lab_c3\."
    with pytest.raises(SettingsError, match=message):
        prepare(config_for(lab, exclude=("lab_c0", "lab_c7")))


def test_two_cells_of_one_name_are_refused(tmp_path):
    path = write_bdf(tmp_path / "in", [True, True, True])
    path.with_suffix(".parquet").write_bytes(b"")
    with pytest.raises(SourceError, match=r"c0\.bdf\.parquet: cell c0 is also in c0\.bdf\.csv\."):
        prepare(PrepConfig(source="bdf", input=str(path.parent), output=str(tmp_path / "out")))


# Processes.


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_processes_gives_the_same_bytes(damaged_lab, jobs):
    alone, _ = prepared(damaged_lab, "alone", jobs=1)
    together, _ = prepared(damaged_lab, "together", jobs=jobs)
    names = sorted(path.name for path in alone.iterdir())
    assert names == sorted(path.name for path in together.iterdir())
    for name in names:
        assert (alone / name).read_bytes() == (together / name).read_bytes(), name


def test_a_fault_in_another_process_is_the_same_line(lab, capsys):
    cells = lab_cells()
    for cycle in cells[2].cycles:
        cycle["I"] = 1.1 * cycle["I"]
    write_matr_like(lab, cells)
    lines = []
    for jobs in ("1", "2"):
        output = lab.parent.parent / "out"
        argv = ["--source", "matr", "--input", str(lab), "--output", str(output), "--jobs", jobs]
        assert main(argv) == 2
        lines.append(capsys.readouterr().err)
    assert lines[0] == lines[1]
    assert "lab_c2" in lines[0]
    assert not output.exists()


def test_small_files_are_read_in_one_process_and_large_ones_in_many(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.os, "cpu_count", lambda: 4)
    path = tmp_path / "a.mat"
    path.write_bytes(bytes(1000))
    assert pipeline._num_jobs([path, path]) == 1
    monkeypatch.setattr(pipeline, "PARALLEL_FROM_BYTES", 1500)
    assert pipeline._num_jobs([path, path]) == 4


# Bad files among good ones.


@pytest.fixture
def folder_with_two_bad_files(tmp_path):
    folder = write_bdf(tmp_path / "in", [True] * 5).parent
    (folder / "c1.bdf.csv").write_text("nonsense\n1\n")
    (folder / "c3.bdf.csv").write_text("")
    return folder


def test_bad_files_are_all_named_and_the_way_out_is_given(folder_with_two_bad_files, tmp_path):
    config = PrepConfig(
        source="bdf", input=str(folder_with_two_bad_files), output=str(tmp_path / "out")
    )
    message = (
        r"c1\.bdf\.csv: .* Also: c3\.bdf\.csv\. 2 of 5 cells cannot be used; add --skip-bad-files"
    )
    with pytest.raises(SourceError, match=message):
        prepare(config)
    assert not (tmp_path / "out").exists()


def test_bad_files_are_skipped_and_counted_where_the_user_says_so(
    folder_with_two_bad_files, tmp_path
):
    config = PrepConfig(
        source="bdf",
        input=str(folder_with_two_bad_files),
        output=str(tmp_path / "out"),
        height=2,
        width=3,
        skip_bad_files=True,
    )
    card = prepare(config)
    assert list(card.cells) == ["c0", "c2", "c4"]
    dropped = [(cell["cell_id"], cell["reason"]) for cell in card.cleaning["cells_dropped"]]
    assert dropped == [("c1", "unreadable"), ("c3", "unreadable")]
    assert card.cleaning["cells_read"] == 5


def test_a_lone_bad_file_is_its_own_message(tmp_path):
    path = tmp_path / "a.mat"
    path.write_text("text")
    with pytest.raises(SourceError, match=r"a\.mat: not a readable MATLAB v7\.3") as caught:
        prepare(PrepConfig(source="matr", input=str(path), output=str(tmp_path / "out")))
    assert "--skip-bad-files" not in str(caught.value)


# Which source.


def test_auto_names_the_source_that_it_took(lab, caplog):
    caplog.set_level(logging.INFO)
    card = prepare(config_for(lab, source="auto"))
    assert "source: matr (1 file)" in caplog.messages
    assert card.source["name"] == card.preparation["source"] == "matr"


def test_auto_without_input_is_the_demo(tmp_path):
    card = prepare(PrepConfig(output=str(tmp_path / "out")))
    assert card.source["name"] == "demo"
    assert sum(map(card.num_samples, SPLITS)) == 240


def test_an_input_needs_an_output(lab):
    with pytest.raises(SettingsError, match="--input needs --output"):
        prepare(PrepConfig(source="matr", input=str(lab)))


def test_files_of_another_format_are_named(lab, caplog):
    (lab.parent / "notes.xyz").write_text("?")
    prepare(config_for(lab.parent / "lab.mat", input=str(lab.parent)))
    assert "not read, of another format: notes.xyz" in caplog.messages


# The policy as numbers.


def test_policies_go_with_each_sample_as_numbers(lab):
    cells = lab_cells()
    cells[0].policy = "5.4C(40%)-3.6C-newstructure"
    write_matr_like(lab, cells)
    folder, card = prepared(lab)
    steps = {}
    for split in SPLITS:
        arrays = read_split(folder, card, split)
        steps |= dict(zip(arrays["cell_id"], arrays["policy_steps"], strict=True))
    expected = [[5.4, 0.4], [3.6, 0.8], [1, 1], [1, 1], [1, 1], [1, 1]]
    assert_array_equal(steps[b"lab_c0"], np.float32(expected))
    # "741" is no policy.
    assert_array_equal(steps[b"lab_c1"], np.zeros((6, 2)))
    assert card.cells["lab_c0"]["charge_policy"] == "5.4C(40%)-3.6C-newstructure"


# Units.


def test_amperes_in_a_matr_file_are_refused(lab):
    cells = lab_cells()
    for cycle in cells[2].cycles:
        cycle["I"] = 1.1 * cycle["I"]
    write_matr_like(lab, cells)
    with pytest.raises(SourceError, match=r"lab\.mat: lab_c2: .* 1\.1 times .*--exclude lab_c2\."):
        prepare(config_for(lab))


def test_seconds_in_a_matr_file_are_refused(lab):
    cells = lab_cells()
    for cycle in cells[0].cycles:
        cycle["t"] = 60.0 * cycle["t"]
    write_matr_like(lab, cells)
    with pytest.raises(SourceError, match=r"lab\.mat: lab_c0: .* adds up to 60 times"):
        prepare(config_for(lab))


def test_both_ways_out_of_a_unit_error(lab):
    # 1 C of a 2.2 Ah cell charges twice as much as the file of 1.1 Ah cells promises.
    cells = lab_cells()
    for cycle in cells[2].cycles:
        cycle["Qc"] = 2.0 * cycle["Qc"]
    write_matr_like(lab, cells)
    with pytest.raises(SourceError, match=r"adds up to 0\.5 times"):
        prepare(config_for(lab))
    _, card = prepared(lab, "without", exclude=("lab_c2",))
    assert len(card.cells) == 3
    write_matr_like(lab, [cells[2]])
    _, card = prepared(lab, "as_2_2_ah", nominal_capacity_ah=2.2)
    assert card.cells["lab_c0"]["nominal_capacity_ah"] == 2.2


def test_a_cell_of_wrong_units_is_skipped_and_counted_where_the_user_says_so(lab):
    cells = lab_cells()
    for cycle in cells[2].cycles:
        cycle["I"] = 1.1 * cycle["I"]
    write_matr_like(lab, cells)
    _, card = prepared(lab, skip_bad_files=True)
    assert list(card.cells) == ["lab_c0", "lab_c1", "lab_c3"]
    assert (card.cleaning["cells_read"], card.cleaning["cycles_read"]) == (4, 20)


def test_a_rule_that_is_left_out_is_not_applied_and_the_card_says_so(damaged_lab):
    _, card = prepared(damaged_lab, without_rules=("voltage_out_of_range", "voltage_above_limit"))
    assert "voltage_out_of_range" not in card.cleaning["cycles_rejected"]
    assert card.preparation["without_rules"] == ["voltage_out_of_range", "voltage_above_limit"]
    assert "voltage_out_of_range" not in {rule["name"] for rule in card.cleaning["rules"]}


def test_one_charge_that_contradicts_itself_is_rejected_alone(lab):
    cells = lab_cells()
    cells[0].cycles[0]["Qc"] = 0.9 * cells[0].cycles[0]["Qc"]
    write_matr_like(lab, cells)
    _, card = prepared(lab)
    assert card.cleaning["cycles_rejected"] == {"capacity_mismatch": 1}


# Temperature.


def write_bdf(folder, with_temperature):
    """Four cells of two cycles of 20 samples at 1 A, in a 1 Ah cell; no capacity is measured."""
    folder.mkdir()
    rows = ["cell_id,eol_cycles,nominal_capacity_ah"]
    for k, warm in enumerate(with_temperature):
        header = "Cycle Count / 1,Test Time / s,Voltage / V,Current / A"
        lines = [header + (",Surface Temperature / degC" if warm else "")]
        for n in (1, 2):
            for p in range(20):
                line = f"{n},{4000 * n + 180 * p},{3.0 + 0.01 * p + 0.001 * n},1.0"
                lines.append(line + (f",{25 + n + 0.1 * p}" if warm else ""))
        (folder / f"c{k}.bdf.csv").write_text("\n".join(lines) + "\n")
        rows.append(f"c{k},{700 + k},1.0")
    (folder / "cells.csv").write_text("\n".join(rows) + "\n")
    return folder / "c0.bdf.csv"


def prepared_bdf(tmp_path, *with_temperature):
    path = write_bdf(tmp_path / "in", with_temperature)
    config = PrepConfig(
        source="bdf", input=str(path.parent), output=str(tmp_path / "out"), height=2, width=3
    )
    prepare(config)
    return tmp_path / "out", read_card(tmp_path / "out")


def test_a_source_without_temperature(tmp_path):
    folder, card = prepared_bdf(tmp_path, False, False, False, False)
    assert card.signals_present == tuple(card.statistics) == WITHOUT_TEMPERATURE
    for curves in all_samples(folder, card).values():
        assert_array_equal(curves[2], np.zeros(6))
        # 19 steps of 180 s at 1 A: 0.95 Ah, in fifths.
        assert_allclose(curves[3], [0, 0.19, 0.38, 0.57, 0.76, 0.95], rtol=1e-6)


def test_temperature_of_some_cells_only_is_left_out_with_a_warning(tmp_path, caplog):
    folder, card = prepared_bdf(tmp_path, True, True, False, True)
    assert card.signals_present == WITHOUT_TEMPERATURE
    assert (
        "temperature is left out: 2 of 8 charges have none, such as those of c2" in caplog.messages
    )
    assert not any(curves[2].any() for curves in all_samples(folder, card).values())


def test_temperature_of_every_cell(tmp_path):
    folder, card = prepared_bdf(tmp_path, True, True, True)
    assert card.signals_present == SIGNALS
    # From 27 degC, 1.9 K in fifths.
    warming = [27.0, 27.38, 27.76, 28.14, 28.52, 28.9]
    assert_allclose(all_samples(folder, card)["c1", 2][2], warming, rtol=1e-6)


# The place on the disk.


def test_a_failing_preparation_leaves_no_folder_behind(lab, tmp_path, monkeypatch):
    def write_shards(directory, split, *arguments):
        (directory / "half").touch()
        if split == "test":
            raise RuntimeError("disk gone")
        return []

    monkeypatch.setattr(writing, "write_shards", write_shards)
    with pytest.raises(RuntimeError, match="disk gone"):
        prepare(config_for(lab))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_interrupted_preparation_leaves_the_old_data_set(lab, tmp_path, monkeypatch):
    folder, card = prepared(lab)

    def write_shards(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "write_shards", write_shards)
    with pytest.raises(KeyboardInterrupt):
        prepare(config_for(lab, seed=5, overwrite=True))
    assert read_card(folder) == card
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_bad_measurements_are_found_before_anything_is_written(lab, tmp_path):
    with pytest.raises(SourceError, match="no charge is left of 4 cells"):
        prepare(config_for(lab, exclude=("lab_c0", "lab_c1", "lab_c2", "lab_c3")))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_overwrite_replaces_a_data_set_whole(lab, tmp_path):
    prepared(lab, figures=True)
    folder, card = prepared(lab, seed=5, overwrite=True)
    assert card.preparation["seed"] == 5
    assert not (folder / "figures").exists()
    assert all_samples(folder, card)
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_overwrite_deletes_nothing_beside_the_data_set(lab):
    folder, _ = prepared(lab)
    (folder / "thesis").mkdir()
    with pytest.raises(SettingsError, match="holds thesis beside a data set, which --overwrite"):
        prepare(config_for(lab, overwrite=True))
    assert (folder / "thesis").is_dir()


def test_an_output_that_holds_the_measurements_is_refused(lab):
    config = config_for(lab, overwrite=True, output=str(lab.parent))
    with pytest.raises(SettingsError, match="holds the measurements of --input"):
        prepare(config)
    assert lab.exists()


def test_an_output_that_is_a_link_to_a_folder(lab, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "far")
    prepared(lab)
    assert (tmp_path / "far" / CARD_NAME).is_file()
    assert (tmp_path / "out").is_symlink()


def test_the_old_data_set_comes_back_when_the_new_one_cannot_take_its_place(
    lab, tmp_path, monkeypatch
):
    folder, card = prepared(lab)
    replace = output_folder.os.replace

    def fail_at_the_second(old, new):
        if new == folder and not str(old).endswith("-old"):
            raise OSError(28, "No space left on device")
        replace(old, new)

    monkeypatch.setattr(output_folder.os, "replace", fail_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        prepare(config_for(lab, seed=5, overwrite=True))
    assert read_card(folder) == card
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


@pytest.mark.parametrize("name", ["input", "output"])
def test_an_empty_place_is_refused(lab, name):
    with pytest.raises(SettingsError, match=f"--{name} is empty"):
        prepare(config_for(lab, **{name: ""}))


def test_the_card_names_no_folder_of_a_bad_file(folder_with_two_bad_files, tmp_path):
    options = {"source": "bdf", "height": 2, "width": 3, "skip_bad_files": True}
    output = tmp_path / "out"
    card = prepare(PrepConfig(input=str(folder_with_two_bad_files), output=str(output), **options))
    assert str(tmp_path) not in (output / CARD_NAME).read_text(encoding="utf-8")
    assert [entry["name"] for entry in card.source["files"]] == [f"c{k}.bdf.csv" for k in (0, 2, 4)]


def test_an_empty_folder_is_used_and_folders_above_are_made(lab, tmp_path):
    (tmp_path / "out").mkdir()
    assert prepared(lab)[1].num_samples("test") == 5
    assert prepared(lab, "deep/er/out")[1].num_samples("test") == 5


def test_a_folder_that_can_be_read_by_others(lab):
    folder, _ = prepared(lab)
    assert folder.stat().st_mode & 0o777 == 0o755


# Real measurements.


@pytest.fixture(scope="module")
def nasa(shared_data, tmp_path_factory):
    """Data set and card; the end of life of two of the cells is not on record, so their last."""
    folder = tmp_path_factory.mktemp("nasa") / "out"
    source = ["--source", "nasa", "--input", str(shared_data / "nasa"), "--output", str(folder)]
    assert main([*source, "--eol-fallback", "last"]) == 0
    return folder, read_card(folder)


def test_nasa_has_all_signals_with_the_capacity_integrated(nasa):
    folder, card = nasa
    assert card.signals_present == SIGNALS
    assert {name: cell["samples"] for name, cell in card.cells.items()} == {
        "B0025": 28,
        "B0045": 71,
        "B0046": 70,
    }
    # 169 * 94 // 124 = 128, of which 25 for validation.
    assert [card.num_samples(split) for split in SPLITS] == [103, 25, 41]


def test_nasa_loses_top_ups_and_the_charge_with_nan(nasa):
    _, card = nasa
    rejected = [(r["cell_id"], r["cycle"], r["reason"]) for r in card.cleaning["rejected"]]
    assert rejected[:3] == [
        ("B0025", 9, "partial_charge"),
        ("B0025", 25, "partial_charge"),
        ("B0025", 31, "not_finite"),
    ]
    assert [reason for _, _, reason in rejected[3:]] == ["partial_charge"] * 3
    assert (card.cleaning["cycles_read"], card.cleaning["cells_dropped"]) == (175, [])


def test_nasa_cells_end_with_their_last_charge(nasa):
    _, card = nasa
    lives = {name: cell["eol_cycles"] for name, cell in card.cells.items()}
    assert lives == {"B0025": 31, "B0045": 72, "B0046": 72}


def test_a_nasa_charge_begins_behind_the_leftover_discharge(nasa):
    curves = all_samples(*nasa)["B0025", 1]
    # The third sample of the file: 3.371 V, 1.509 A of 2 Ah; charged for 3 h within a second.
    assert_allclose(curves[:2, 0], [3.37146591, 0.75442915], rtol=1e-6)
    assert_allclose(curves[4, [0, -1]], [0.0, 10800.875], rtol=1e-6)
    # 1.847 Ah are discharged after it.
    assert_allclose(curves[3, -1], 1.915, rtol=1e-3)


def test_nasa_charges_rise_to_4_2_v_and_never_discharge(nasa):
    for (cell_id, cycle), curves in all_samples(*nasa).items():
        # 20 mV of overshoot where the constant voltage begins.
        assert 4.19 < curves[0].max() < 4.23, (cell_id, cycle)
        assert curves[1].min() > 0.0, (cell_id, cycle)
        assert np.diff(curves[3]).min() > 0.0, (cell_id, cycle)
        # Chambers of 24 and 4 degC; some charges begin while the cell is warm from a discharge.
        low, high = (24.0, 40.0) if cell_id == "B0025" else (3.0, 20.0)
        assert low < curves[2].min() < curves[2].max() < high, (cell_id, cycle)


def test_nasa_charges_put_in_what_the_next_discharge_takes_out(nasa, shared_data):
    from data_prep.sources.base import SourceOptions
    from data_prep.sources.nasa import reader

    samples = all_samples(*nasa)
    files = reader.find_files(shared_data / "nasa")
    for cell in read_cells(reader, files, SourceOptions()):
        ratios = [
            samples[cell.cell_id, n][3, -1] / capacity_ah
            for n, capacity_ah in cell.discharge_capacity_ah.items()
            if capacity_ah > 0 and (cell.cell_id, n) in samples
        ]
        # The file counts a discharge to 2.7 V, these cells go on to 2.0 or 2.5 V. Single charges
        # after a discharge that was broken off are top-ups of half as much.
        assert 1.0 < np.median(ratios) < 1.25


def test_attia_is_1500_charges_without_temperature(shared_data, tmp_path):
    source = ["--source", "bdf", "--input", str(shared_data / "attia")]
    assert main([*source, "--output", str(tmp_path / "out")]) == 0
    card = read_card(tmp_path / "out")
    assert {cell["samples"] for cell in card.cells.values()} == {100}
    # 1500 * 94 // 124 = 1137, of which 227 for validation.
    assert [card.num_samples(split) for split in SPLITS] == [910, 227, 363]
    assert card.signals_present == WITHOUT_TEMPERATURE
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_rejected"]) == (1500, {})
    assert card.cells["attia_ch01"]["eol_cycles"] == 861
    # A 1.1 Ah cell of the age of 100 cycles at most takes 0.9 to 1.1 Ah.
    capacity = card.statistics["charge_capacity_ah"]
    assert 0.9 < capacity.mean_curve[-1] < capacity.maximum < 1.15
    assert 3.5 < card.statistics["voltage_v"].maximum < 3.75
