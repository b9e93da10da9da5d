import errno
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import rcvae_tf
from data_prep.errors import SettingsError
from rcvae_tf.generation import drawing, stream
from rcvae_tf.generation.formats import FORMATS
from rcvae_tf.generation.output import Output
from rcvae_tf.generation.plan import plan_grid
from rcvae_tf.generation.projection import (
    Limits,
    ProjectionReport,
    ProjectionTally,
    SignalChange,
)
from rcvae_tf.generation.sidecar import sha256
from rcvae_tf.generation.size import check_size
from rcvae_tf.generation.stream import Drawing, prepare_set, write_set

PLAN = plan_grid([500, 700], [2, 4], "", 3)


AT_5 = Drawing(seed=5)


def made(run, output, plan=PLAN, how=AT_5, indicators=False):
    output.check()
    facts = prepare_set(run, plan, how, output, extrapolate=False, agreed=False)
    return write_set(run, plan, how, output, facts, indicators)


def place(path, name, overwrite=False):
    return Output(path, FORMATS[name], overwrite)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_with_its_sidecar_and_its_card(default_run, tmp_path):
    made(default_run, place(tmp_path / "a.npz", "npz"), indicators=True)
    assert names_in(tmp_path) == [
        "a.npz",
        "a.npz.README.md",
        "a.npz.indicators.csv",
        "a.npz.synthetic.json",
    ]


def test_the_sidecar_says_where_the_charges_come_from(default_run, tmp_path):
    made(default_run, place(tmp_path / "a.npz", "npz"))
    told = json.loads((tmp_path / "a.npz.synthetic.json").read_text())
    assert told["synthetic"] is True
    assert told["statement"].startswith("Synthetic data")
    assert told["generator"]["model_sha256"] == sha256(default_run.directory.model)
    assert told["generator"]["preset"] == "default"
    assert told["code_version"] == f"rcvae_tf {rcvae_tf.__version__}"
    assert (told["seed"], told["mean"], told["noise"], told["samples"]) == (5, False, "charge", 3)
    assert (told["charges"], told["cells"], told["points"]) == (12, 6, 16)
    conditions = told["conditions"]
    assert conditions["asked"] == [[500, 2], [500, 4], [700, 2], [700, 4]]
    index, distance = default_run.vocabulary.nearest(np.array(conditions["asked"]))
    assert conditions["matched"] == default_run.vocabulary.labels[index].tolist()
    assert_allclose(conditions["distance"], distance)
    assert conditions["is_in_support"] == [True] * 4
    assert told["files"] == ["a.npz", "a.npz.README.md"]
    assert "directory" not in told["training_data"]


def test_of_very_many_conditions_the_sidecar_keeps_the_sum(default_run, tmp_path, monkeypatch):
    monkeypatch.setattr("rcvae_tf.generation.sidecar.MOST_CONDITIONS_LISTED", 3)
    facts = prepare_set(
        default_run, PLAN, Drawing(0), place(tmp_path / "a.npz", "npz"), False, False
    )
    conditions = facts.provenance["conditions"]
    assert (conditions["number"], conditions["eol"], conditions["in_support"]) == (4, [500, 700], 4)
    assert "asked" not in conditions


def test_what_is_written_is_what_is_drawn(default_run, tmp_path):
    blocks = list(drawing.draw_blocks(default_run, PLAN, 5))
    made(default_run, place(tmp_path / "a.npz", "npz"))
    with np.load(tmp_path / "a.npz") as stored:
        for name, values in blocks[0].curves.items():
            assert_array_equal(stored[name], values)
        assert stored["eol"].tolist() == [500] * 6 + [700] * 6
        assert stored["ecl"].tolist() == [2, 4] * 6


def test_a_folder_appears_whole_and_is_replaced_whole(default_run, tmp_path):
    folder = tmp_path / "set"
    made(default_run, place(folder, "bdf-csv"))
    assert {"synthetic.json", "README.md", "cells.csv"} <= set(names_in(folder))
    assert names_in(tmp_path) == ["set"]
    small = plan_grid([500], [2], "", 1)
    made(default_run, place(folder, "bdf-csv", overwrite=True), plan=small)
    assert [name for name in names_in(folder) if name.endswith(".bdf.csv")] == [
        "synthetic_eol500_1.bdf.csv"
    ]


def test_a_folder_that_holds_something_else_is_not_replaced(default_run, tmp_path):
    folder = tmp_path / "set"
    made(default_run, place(folder, "bdf-csv"))
    with pytest.raises(SettingsError, match="is not empty. Choose another folder, or add --over"):
        place(folder, "bdf-csv").check()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"holds mine\.txt, which is no part of a generated"):
        place(folder, "bdf-csv", overwrite=True).check()
    (folder / "synthetic.json").unlink()
    with pytest.raises(SettingsError, match="no part of a generated data set"):
        place(folder, "bdf-csv", overwrite=True).check()


@pytest.mark.parametrize("taken", ["a.csv", "a.csv.synthetic.json", "a.csv.README.md"])
def test_a_file_that_lies_there_is_not_replaced_unasked(tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(SettingsError, match=r"exists\. Choose another name, or add --overwrite"):
        place(tmp_path / "a.csv", "csv").check()
    place(tmp_path / "a.csv", "csv", overwrite=True).check()


def test_folders_and_files_are_not_taken_for_each_other(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingsError, match="is a folder, expected a file to make"):
        place(tmp_path / "folder.csv", "csv", overwrite=True).check()
    with pytest.raises(SettingsError, match="is a file, expected a folder to make"):
        place(tmp_path / "file", "bdf-csv", overwrite=True).check()
    with pytest.raises(SettingsError, match="does not exist. Make it"):
        place(tmp_path / "nowhere" / "a.csv", "csv").check()


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_full_disk_is_told_and_leaves_nothing(default_run, tmp_path, monkeypatch, name):
    path = tmp_path / f"set{FORMATS[name].suffix}"

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    real_open = type(FORMATS[name]).open

    def open_full(self, *arguments):
        writer = real_open(self, *arguments)
        writer.add = full
        return writer

    monkeypatch.setattr(type(FORMATS[name]), "open", open_full)
    with pytest.raises(SettingsError) as caught:
        made(default_run, place(path, name))
    assert str(caught.value) == (
        f"--output {path}: cannot be written (No space left on device); what was begun is "
        "removed. Make room, or choose another place."
    )
    assert names_in(tmp_path) == []


def test_a_fault_while_drawing_leaves_nothing(default_run, tmp_path, monkeypatch):
    def broken(*arguments, **how):
        yield next(iter(drawing.draw_blocks(default_run, PLAN, 5)))
        raise RuntimeError("a fault")

    monkeypatch.setattr(stream, "draw_blocks", broken)
    with pytest.raises(RuntimeError, match="a fault"):
        made(default_run, place(tmp_path / "a.csv", "csv"))
    assert names_in(tmp_path) == []


def test_repairs_are_added_up_over_blocks(default_run, monkeypatch):
    monkeypatch.setattr(drawing, "BLOCK", 8)
    monkeypatch.setattr(stream, "limits_of", lambda run: Limits((2.9, 3.0), None, None))
    tally = ProjectionTally()
    blocks = list(stream.blocks_of(default_run, PLAN, Drawing(5, project=True), tally))
    changed = np.concatenate([block.projected for block in blocks])
    assert tally.charges == 12
    assert tally.changed == changed.sum() > 0
    voltage_v = np.concatenate([block.curves["voltage_v"] for block in blocks])
    assert voltage_v.min() >= np.float32(2.9)
    assert voltage_v.max() <= np.float32(3.0)


def test_a_tally_weighs_means_by_charges():
    def report(charges, largest, mean):
        change = {"voltage_v": SignalChange(charges, largest, mean)}
        return ProjectionReport(np.ones(charges, np.bool_), change, "")

    tally = ProjectionTally()
    tally.add(report(1, 0.5, 0.4))
    tally.add(report(3, 0.2, 0.1))
    assert tally.to_dict()["changed"] == 4
    assert tally.signals["voltage_v"].largest == 0.5
    assert_allclose(tally.signals["voltage_v"].mean, (0.4 + 3 * 0.1) / 4)


@pytest.mark.parametrize(
    ("name", "samples", "told"),
    [
        # 16 points of 5 signals: 320 bytes a charge in numbers, 1120 in text.
        ("npz", 5_999_999, None),
        ("npz", 6_250_001, "6250001 charges of 6250001 synthetic cells would take about 2 GB be"),
        ("csv", 1_785_714, None),
        ("csv", 1_785_715, "about 2 GB before compression. Add --yes"),
        ("bdf-parquet", 10_000, None),
        ("bdf-parquet", 10_001, "about 0.0032 GB in 10001 files before compression"),
    ],
)
def test_a_large_set_is_only_made_when_the_user_agrees(default_run, tmp_path, name, samples, told):
    plan = plan_grid([500], [2], "", samples)
    output = place(tmp_path / f"a{FORMATS[name].suffix}", name)
    facts = prepare_set(default_run, plan, Drawing(0), output, False, agreed=True)
    if told is None:
        check_size(facts, output.format, agreed=False)
        return
    with pytest.raises(SettingsError) as caught:
        check_size(facts, output.format, agreed=False)
    assert told in str(caught.value)
