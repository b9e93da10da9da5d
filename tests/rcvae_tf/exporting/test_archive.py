"""A version on the disk: complete or not there, and what lies in it."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal

from data_prep.errors import DatasetError, SettingsError
from rcvae_tf import export
from rcvae_tf.exporting import archive
from rcvae_tf.exporting.archive import check_folder, export_run, next_version
from rcvae_tf.servable.facts import read_facts
from rcvae_tf.servable.layout import VersionDirectory, versions_in
from rcvae_tf.servable.measured import read_measured
from tests.builders import one_error_line


def test_versions_count_up_and_gaps_are_not_filled(tmp_path):
    for number in ("1", "7"):
        (tmp_path / number).mkdir()
    with next_version(tmp_path) as version:
        directory = version.scratch
        (directory.path / "saved_model.pb").write_bytes(b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "7", "8"]
    assert [directory.version for directory in versions_in(tmp_path)] == [8]


def test_a_version_that_another_export_took_meanwhile_is_not_replaced(tmp_path):
    with next_version(tmp_path) as version:
        directory = version.scratch
        (directory.path / "saved_model.pb").write_bytes(b"mine")
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "saved_model.pb").write_bytes(b"theirs")
    assert (tmp_path / "1" / "saved_model.pb").read_bytes() == b"theirs"
    assert (tmp_path / "2" / "saved_model.pb").read_bytes() == b"mine"


def test_nothing_is_left_of_an_export_that_fails(tmp_path, monkeypatch, default_run):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write_examples", fail)
    with pytest.raises(OSError, match="No space"):
        export_run(default_run, tmp_path / "rcvae", None, 0)
    assert list((tmp_path / "rcvae").iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", "1a", "models"])
def test_a_folder_of_something_else_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(SettingsError, match=f"holds {name}, expected a folder with numbered"):
        check_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "rcvae").write_text("x")
    with pytest.raises(SettingsError, match="is a file"):
        check_folder(tmp_path / "rcvae")


def test_what_lies_in_a_version(exported, default_run, dataset):
    assert exported.version == 1
    names = sorted(path.name for path in exported.extra.iterdir())
    assert names == [
        "README.md",
        "measured.npz",
        "rcvae.json",
        *(f"request_{name}.json" for name in ("decode", "encode", "generate", "reconstruct")),
        "tf_serving_warmup_requests",
    ]
    facts = read_facts(exported.facts)
    assert facts.signals == default_run.model.signals_present
    assert (facts.height, facts.width, facts.num_points) == (4, 4, 16)
    assert facts.eol_range == (400, 900)
    assert facts.provenance["generator"]["preset"] == "default"
    measured = read_measured(exported.measured)
    train = dataset.train
    assert len(measured) == len(train)
    position = measured.nearest(*train.labels[3])
    assert_array_equal(measured.labels[position], train.labels[3])
    assert_array_equal(measured.curves["voltage_v"][position], train.curves["voltage_v"][3])


def test_few_measured_charges_are_taken_from_the_whole_range(default_run, dataset, tmp_path):
    exported = export_run(default_run, tmp_path / "few", dataset.directory, num_measured=3)
    measured = read_measured(exported.directory.measured)
    order = sorted(map(tuple, dataset.train.labels))
    assert [tuple(label) for label in measured.labels] == [order[0], order[7], order[-1]]


def test_without_its_data_set_no_measured_charges_go_with_it(run_copy, dataset, tmp_path):
    run_copy.data["directory"] = str(tmp_path / "gone")
    exported = export_run(run_copy, tmp_path / "rcvae", None, num_measured=3)
    assert not exported.directory.measured.exists()
    assert any("no measured charges" in note for note in exported.notes)
    with pytest.raises(DatasetError):
        export_run(run_copy, tmp_path / "rcvae", tmp_path / "gone", num_measured=3)


def test_examples_are_bodies_of_requests(exported):
    body = json.loads(exported.example("generate").read_text())
    assert body["signature_name"] == "generate"
    assert list(body["instances"][0]) == ["eol", "ecl", "seed"]
    charge = json.loads(exported.example("encode").read_text())["instances"][0]
    assert len(charge["voltage_v"]) == 16


def test_the_warm_up_is_what_tensorflow_serving_reads(exported):
    from tensorflow_serving.apis import prediction_log_pb2

    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(exported.warm_up))
    ]
    requests = [log.predict_log.request for log in logs]
    asked = [(r.model_spec.name, r.model_spec.signature_name) for r in requests]
    assert asked[:2] == [("rcvae", "generate")] * 2
    assert len(asked) == 8
    assert [len(tf.make_ndarray(r.inputs["eol"])) for r in requests] == [1, 64] * 4
    loaded = tf.saved_model.load(str(exported.path))
    for request in requests:
        rows = {name: tf.make_ndarray(t) for name, t in request.inputs.items()}
        answer = loaded.signatures[request.model_spec.signature_name](
            **{name: tf.constant(values) for name, values in rows.items()}
        )
        assert all(np.isfinite(v.numpy()).all() for k, v in answer.items() if k != "in_support")


def test_the_command_says_what_it_wrote_and_what_to_do_next(run_copy, dataset, tmp_path, capsys):
    run, output = str(run_copy.directory.path), tmp_path / "rcvae"
    argv = ["--run", run, "--output", str(output), "--data", str(dataset.directory)]
    assert export.main(argv) == 0
    assert export.main(argv) == 0
    printed = capsys.readouterr().out
    assert f"{output / '2'}: SavedModel, version 2" in printed
    assert "  generate     eol, ecl, seed" in printed
    assert f"python -m rcvae_tf.serve --model {output}" in printed
    assert ".export-" not in printed


def test_a_bad_place_is_one_line_before_the_work(run_copy, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("x")
    argv = ["--run", str(run_copy.directory.path), "--output", str(tmp_path)]
    assert export.main(argv) == 2
    assert "notes.txt, expected a folder with numbered versions" in one_error_line(capsys)


def test_facts_of_another_format_version_are_refused(exported, tmp_path):
    shutil.copytree(exported.path, tmp_path / "1")
    directory = VersionDirectory(tmp_path / "1")
    stored = json.loads(directory.facts.read_text())
    directory.facts.write_text(json.dumps({**stored, "format_version": 9}))
    with pytest.raises(SettingsError, match="format version 9, expected 1. Export the run anew"):
        read_facts(directory.facts)
    directory.facts.write_text(json.dumps({"format_version": 1}))
    with pytest.raises(SettingsError, match="damaged"):
        read_facts(directory.facts)


def test_damaged_measured_charges_are_refused(tmp_path):
    (tmp_path / "measured.npz").write_bytes(b"no zip")
    with pytest.raises(SettingsError, match="not readable"):
        read_measured(tmp_path / "measured.npz")
    assert read_measured(tmp_path / "none.npz") is None
