import csv
import json
import logging
import os
import subprocess
import sys

import pytest
from rich.console import Console

from data_prep.errors import SettingsError
from rcvae_tf.ablation import running
from rcvae_tf.ablation import training as row_training
from rcvae_tf.ablation.directory import AblationDirectory
from rcvae_tf.ablation.printing import ablation_table, print_ablation
from rcvae_tf.ablation.rows import parse_rows, row_config, row_names
from rcvae_tf.ablation.running import ablate
from rcvae_tf.ablation.table import ablation_rows, write_tables
from rcvae_tf.ablation.training import RowOutcome, RowWork, train_row
from rcvae_tf.presets import resolve
from rcvae_tf.report.ablation_tables import read_ablation
from rcvae_tf.report.paper_numbers import paper_rows
from rcvae_tf.run_directory import FORMAT_VERSION, RunDirectory, write_json
from rcvae_tf.training import fit as fit_module
from tests.rcvae_tf.builders import tiny_config

WHOLE = tiny_config("paper", epochs=1)
ROWS = ("Decoder_1", "Encoder_2", "None", "Embedding", "latent", "labels")
SIGNALS = ("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah")


def metrics_of(total=0.5, signals=SIGNALS):
    """Of `metrics.json`: MAE 0.5, by signal 0.51, 0.52, ...; RMSE twice that, mode mean thrice."""
    values = {"total": total, **{name: total + 0.01 * (k + 1) for k, name in enumerate(signals)}}
    modes = {
        mode: {name: {"mae": times * v, "rmse": times * 2 * v} for name, v in values.items()}
        for mode, times in (("reconstruct", 1.0), ("mean", 3.0))
    }
    return {"cycles": 6, "modes": modes}


@pytest.fixture
def trained(monkeypatch, dataset):
    """In place of trainings: the rows that would be trained; each leaves settings and metrics."""
    rows = []

    def train(place, work):
        row, directory = place
        rows.append(row)
        directory.path.mkdir(parents=True, exist_ok=True)
        data = {"directory": str(dataset.directory), "shards": dataset.card.shards}
        settings = row_config(work.whole, row).to_dict()
        write_json(directory.config, {"format_version": FORMAT_VERSION, **settings, "data": data})
        if row == "Encoder_2":
            return RowOutcome(row, None, "val_mae was never a number", 1.0)
        metrics = metrics_of(0.4 if row == "None" else 0.5)
        write_json(directory.metrics, metrics)
        return RowOutcome(row, metrics, "", 12.0)

    monkeypatch.setattr(running, "train_row", train)
    return rows


@pytest.fixture
def directory(tmp_path):
    return AblationDirectory(tmp_path / "ablation")


def rows_of(path):
    return [row["detach"] for row in read_ablation(path)]


# Rows


def test_rows_of_16_layers_are_those_of_table_2_and_two_more():
    printed = tuple(row["detach"] for row in paper_rows("table2"))
    assert row_names(16) == (*printed, "latent", "labels")
    assert len(printed) == 32


def test_rows_of_one_layer_have_no_layer_to_leave_out():
    assert row_names(1) == ("None", "Embedding", "latent", "labels")


def test_rows_are_named_in_any_case_and_come_in_the_order_of_the_table():
    words = ("LABELS", "none", "decoder_15", "Encoder_2", "None")
    assert parse_rows(words, 16) == ("Encoder_2", "Decoder_15", "None", "labels")


def test_without_a_name_all_rows_are_wanted():
    assert parse_rows((), 2) == ROWS


@pytest.mark.parametrize("word", ["Encoder_1", "Decoder_2", "encoder"])
def test_an_unknown_row_is_refused_with_the_known_ones(word):
    expected = (
        rf"unknown row '{word}'\. Rows of a model with num_hidden_layers=2: Decoder_1, Encoder_2, "
        r"None, Embedding, latent, labels\."
    )
    with pytest.raises(SettingsError, match=expected):
        parse_rows(("None", word), 2)


def test_a_row_differs_from_the_whole_model_in_what_it_leaves_out_alone():
    for row in ROWS[:-1]:
        assert row_config(WHOLE, row) == tiny_config("paper", epochs=1, detach=row.lower())
    assert row_config(WHOLE, "labels") == tiny_config("paper", epochs=1, shuffle_labels=True)
    assert row_config(WHOLE, "None") == WHOLE


# Tables


def test_a_table_has_the_errors_of_its_mode_in_the_columns_of_the_paper(directory):
    directory.path.mkdir()
    write_tables(directory, {"None": metrics_of(), "labels": metrics_of(0.25)})
    lines = directory.table.read_text(encoding="utf-8").splitlines()
    assert lines[0] == (
        "early_cycles,detach,mae,rmse,mae_voltage_v,rmse_voltage_v,mae_current_c_rate,"
        "rmse_current_c_rate,mae_temperature_degc,rmse_temperature_degc,mae_charge_capacity_ah,"
        "rmse_charge_capacity_ah"
    )
    assert lines[1] == "6,None,0.5,1.0,0.51,1.02,0.52,1.04,0.53,1.06,0.54,1.08"
    assert lines[2].startswith("6,labels,0.25,0.5,0.26,")
    generated = read_ablation(directory.generated)
    assert [row["detach"] for row in generated] == ["None", "labels"]
    assert (generated[0]["mae"], generated[0]["rmse"]) == (1.5, 3.0)
    assert [path.name for path in directory.path.iterdir()] == [
        path.name for path in directory.path.iterdir() if not path.name.endswith(".part")
    ]


def test_an_absent_signal_has_empty_cells(directory):
    directory.path.mkdir()
    write_tables(directory, {"None": metrics_of(signals=("voltage_v",))})
    (line,) = list(csv.reader(directory.table.read_text(encoding="utf-8").splitlines()))[1:]
    assert line == ["6", "None", "0.5", "1.0", "0.51", "1.02", "", "", "", "", "", ""]


def printed(metrics, failed=()):
    console = Console(width=80, highlight=False, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        rows = [ablation_rows(metrics, mode) for mode in ("reconstruct", "mean")]
        print_ablation(*rows, failed, console)
    return console.export_text().splitlines()


def test_rows_are_printed_beside_the_whole_model_within_80_columns():
    lines = printed({"Embedding": metrics_of(0.6), "None": metrics_of(0.4)}, ("Decoder_1",))
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert cells["Embedding"][:4] == ["+50.0%", "0.6000", "1.2000", "0.6100"]
    assert cells["None"][:3] == ["0.4000", "0.8000", "0.4100"]
    assert cells["Decoder_1"] == ["failed"]
    assert max(map(len, lines)) <= 80
    text = " ".join(lines)
    assert "no embedding 1.50" in text
    assert "a difference that another --seed makes as well says nothing" in text


def test_without_the_whole_model_there_is_no_difference():
    table = ablation_table(ablation_rows({"latent": metrics_of()}, "reconstruct"), ())
    assert list(table.columns[1].cells) == [""]


def test_an_absent_signal_has_no_column():
    rows = ablation_rows({"None": metrics_of(signals=("voltage_v",))}, "reconstruct")
    headings = [str(column.header) for column in ablation_table(rows, ()).columns]
    assert headings == ["detached", "to None", "Total\nMAE", "Total\nRMSE", "V (V)\nMAE"] + [
        "V (V)\nRMSE"
    ]


# Running


def test_the_whole_model_is_trained_first_and_a_failed_row_stops_none(
    dataset, directory, trained, capsys
):
    metrics, faults = ablate(WHOLE, dataset, directory, ROWS, jobs=1)
    assert trained == ["None", "Decoder_1", "Encoder_2", "Embedding", "latent", "labels"]
    assert faults == {"Encoder_2": "val_mae was never a number"}
    expected = ["Decoder_1", "None", "Embedding", "latent", "labels"]
    assert list(metrics) == rows_of(directory.table) == rows_of(directory.generated) == expected
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [
        "[1/6] None: total MAE 0.4000, 12 s",
        "[2/6] Decoder_1: total MAE 0.5000 (None 0.4000), 12 s",
        "[3/6] Encoder_2: failed, val_mae was never a number",
    ]


def test_finished_rows_are_kept_and_others_trained(dataset, directory, trained, caplog):
    caplog.set_level(logging.INFO)
    ablate(WHOLE, dataset, directory, ("Encoder_2", "Embedding"), jobs=1)
    metrics, _ = ablate(WHOLE, dataset, directory, ("Encoder_2", "None", "Embedding"), jobs=1)
    assert trained == ["Encoder_2", "Embedding", "None", "Encoder_2"]
    assert "finished before, kept: Embedding" in caplog.messages
    assert list(metrics) == rows_of(directory.table) == ["None", "Embedding"]


def test_rows_of_an_earlier_call_stay_in_the_table(dataset, directory, trained):
    ablate(WHOLE, dataset, directory, ("labels",), jobs=1)
    ablate(WHOLE, dataset, directory, ("Decoder_1",), jobs=1)
    assert rows_of(directory.table) == ["Decoder_1", "labels"]
    record = json.loads(directory.record.read_text(encoding="utf-8"))
    assert record["rows"] == ["Decoder_1", "labels"]
    assert resolve(None, {k: record[k] for k in ("preset", "model", "training")}) == WHOLE
    assert record["data"]["shards"] == dataset.card.shards


def test_the_table_is_there_after_each_row(dataset, directory, trained, monkeypatch):
    seen = []
    monkeypatch.setattr(
        running, "_described", lambda *_: seen.append(directory.table.is_file()) or ""
    )
    ablate(WHOLE, dataset, directory, ("None", "Embedding"), jobs=1)
    assert seen == [False, True]


def test_an_interruption_names_what_is_kept_and_how_to_go_on(
    dataset, directory, trained, monkeypatch, caplog
):
    caplog.set_level(logging.INFO)
    train = running.train_row

    def interrupted(place, work):
        if place[0] == "latent":
            raise KeyboardInterrupt
        return train(place, work)

    monkeypatch.setattr(running, "train_row", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ablate(WHOLE, dataset, directory, ("None", "Embedding", "latent"), jobs=1)
    assert caplog.messages[-1] == (
        "2 of 3 rows are finished and kept: None, Embedding. The same command goes on with the "
        "others."
    )
    assert rows_of(directory.table) == ["None", "Embedding"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"epochs": 2}, r"other settings: epochs=1 where 2 is asked for\. Choose another --output"),
        ({"hidden_dim": 9}, r"other settings: hidden_dim=8 where 9 is asked for"),
    ],
)
def test_an_ablation_belongs_to_its_settings(dataset, directory, trained, flags, message):
    ablate(WHOLE, dataset, directory, ("None",), jobs=1)
    other = resolve(None, WHOLE.to_dict(), flags)
    with pytest.raises(SettingsError, match=message):
        ablate(other, dataset, directory, ("None",), jobs=1)
    (directory.path / "notes.txt").touch()
    ablate(other, dataset, directory, ("Embedding",), jobs=1, overwrite=True)
    assert trained == ["None", "Embedding"]
    assert rows_of(directory.table) == ["Embedding"]
    assert not directory.run("None").path.exists()
    assert (directory.path / "notes.txt").is_file()


def test_an_ablation_belongs_to_its_data(dataset, dataset_without_temperature, directory, trained):
    ablate(WHOLE, dataset, directory, ("None",), jobs=1)
    with pytest.raises(SettingsError, match=r"holds an ablation of other data, made at .*made\."):
        ablate(WHOLE, dataset_without_temperature, directory, ("None",), jobs=1)


def test_a_run_that_is_no_row_is_refused(dataset, directory, trained):
    ablate(WHOLE, dataset, directory, ("Embedding",), jobs=1)
    stranger = directory.run("Embedding").config
    stored = json.loads(stranger.read_text(encoding="utf-8"))
    stored["model"]["detach"] = "latent"
    write_json(stranger, stored)
    expected = r"embedding: is no row of this ablation, it differs in detach=latent where embedding"
    with pytest.raises(SettingsError, match=expected):
        ablate(WHOLE, dataset, directory, ("Embedding",), jobs=1)


def test_a_folder_of_something_else_is_left_alone(dataset, directory, trained):
    directory.path.mkdir()
    (directory.path / "notes.txt").touch()
    for overwrite in (False, True):
        with pytest.raises(SettingsError, match=r"is not empty and holds no ablation"):
            ablate(WHOLE, dataset, directory, ("None",), jobs=1, overwrite=overwrite)
    assert [path.name for path in directory.path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", r"ablation\.json: not readable: "), ('{"format_version": 9}', r"format version 9, exp")],
)
def test_a_damaged_record_is_refused(dataset, directory, trained, content, message):
    directory.path.mkdir()
    directory.record.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        ablate(WHOLE, dataset, directory, ("None",), jobs=1)
    ablate(WHOLE, dataset, directory, ("None",), jobs=1, overwrite=True)
    assert json.loads(directory.record.read_text(encoding="utf-8"))["rows"] == ["None"]


@pytest.mark.parametrize("flag", [{"detach": "latent"}, {"shuffle_labels": True}])
def test_what_lacks_a_part_already_is_not_ablated(dataset, directory, trained, flag):
    (name,) = flag
    with pytest.raises(SettingsError, match=rf"`{name}` must be .* Received: {name}="):
        ablate(resolve(None, WHOLE.to_dict(), flag), dataset, directory, ("None",), jobs=1)
    assert not directory.path.exists()


# A row


def work_of(dataset):
    return RowWork(WHOLE, dataset.directory, os.getpid())


@pytest.mark.parametrize("begun", [False, True])
def test_a_row_goes_on_where_it_was_begun(dataset, tmp_path, monkeypatch, begun):
    calls = []

    def record(config, data, directory, resume):
        calls.append((config, data.directory, resume))
        return None, metrics_of()

    monkeypatch.setattr(fit_module, "fit", record)
    run = RunDirectory(tmp_path / "rows" / "latent")
    if begun:
        run.path.mkdir(parents=True)
        run.config.touch()
    outcome = train_row(("latent", run), work_of(dataset))
    assert calls == [(row_config(WHOLE, "latent"), dataset.directory, begun)]
    assert (outcome.row, outcome.metrics, outcome.fault) == ("latent", metrics_of(), "")


def test_a_row_that_fails_is_an_outcome_with_its_reason(dataset, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise SettingsError("val_mae was never a number in 1 epochs.")

    monkeypatch.setattr(fit_module, "fit", fail)
    outcome = train_row(("None", RunDirectory(tmp_path / "none")), work_of(dataset))
    assert (outcome.row, outcome.metrics) == ("None", None)
    assert outcome.fault == "val_mae was never a number in 1 epochs."


# Processes


def test_a_process_aside_talks_into_the_log_of_its_row(tmp_path, capsys):
    log = tmp_path / "run.log"
    level = logging.getLogger().level
    with row_training._training_log(log, aside=True):
        print("epoch 1/2", file=sys.stderr)
        logging.getLogger("rcvae_tf.some").info("merged")
    print("after", file=sys.stderr)
    assert capsys.readouterr().err == "after\n"
    lines = log.read_text(encoding="utf-8").splitlines()
    assert sorted(line.split(" INFO ")[-1] for line in lines) == ["epoch 1/2", "merged"]
    assert logging.getLogger().level == level


def test_a_process_ends_with_its_parent():
    # It is told of a parent that it does not have, as after that was killed.
    code = (
        "import time; from rcvae_tf.ablation.training import _end_with; "
        "_end_with(-1); time.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert done.returncode == 1
