import json
import shutil
from dataclasses import replace

import pytest

from data_prep.dataset_card import read_card
from data_prep.errors import SettingsError
from rcvae_tf import export
from rcvae_tf.cards import data_card, model_card
from rcvae_tf.cards.rendering import cell, quoted, ranges
from rcvae_tf.cards.writing import check_card
from rcvae_tf.generation.formats import FORMATS
from rcvae_tf.generation.output import Output
from rcvae_tf.generation.plan import plan_grid
from rcvae_tf.generation.sidecar import sha256
from rcvae_tf.generation.stream import Drawing, prepare_set
from rcvae_tf.run import load_run
from tests.builders import exit_code, one_error_line

METRICS = {
    "split": "cell",
    "samples": {"train": 15, "test": 6},
    "modes": {
        mode: {"voltage_v": {"mae": 0.01}, "total": {"mae": total}}
        for mode, total in (("reconstruct", 0.1), ("mean", 0.12345), ("prior", 0.2))
    },
    "baselines": {"nearest_label": {"voltage_v": {"mae": 0.02}, "total": {"mae": 0.3}}},
    "baseline_settings": {"nearest_label": {"condition_weight": 0.9}},
    "skill": {"total": 0.59},
    "intervals": {"coverage_90": {"voltage_v": 0.874}},
}


def header(card):
    """Keys and values of the header; a value that is quoted is JSON, which YAML reads too."""
    lines = card.split("---\n")[1].splitlines()
    pairs = [line.split(": ", 1) for line in lines if ": " in line]
    items = [json.loads(line[2:]) for line in lines if line.startswith("- ")]
    return {k: json.loads(v) if v.startswith('"') else v for k, v in pairs}, items


def facts_of(run, eol=(500, 700), **how):
    plan = plan_grid(list(eol), [2, 4], "", 3)
    output = Output(run.directory.path / "x.npz", FORMATS["npz"], False)
    return prepare_set(run, plan, Drawing(5, **how), output, extrapolate=True, agreed=False)


def test_the_header_of_a_model_is_one_that_programs_read(default_run):
    pairs, tags = header(model_card(default_run, None, None))
    assert pairs["library_name"] == "keras"
    assert pairs["model_name"] == default_run.directory.path.name
    assert {"battery", "rcvae", "synthetic-data"} <= set(tags)


@pytest.mark.parametrize("name", ['a: "b" #c', "- x", "yes", "ünï\\code"])
def test_any_name_comes_through_the_header(default_run, name, tmp_path):
    directory = replace(default_run.directory, path=tmp_path / name)
    shutil.copytree(default_run.directory.path, directory.path)
    pairs, _ = header(model_card(replace(default_run, directory=directory), None, None))
    assert pairs["model_name"] == name


def test_the_numbers_of_a_card_are_those_of_the_metrics(default_run):
    text = model_card(default_run, METRICS, None)
    assert "| | V (V) | Total |" in text
    assert "| **mean (z = 0)** | 0.0100 | 0.1235 |" in text
    assert "| nearest_label (w 0.9) | 0.0200 | 0.3000 |" in text
    assert "+0.59\n(better than the copy)" in text
    assert "on 6 charges that were not trained on (split by cell)" in text
    assert "intervals that should hold 90 % hold: V (V) 87 %." in text
    assert "Other charges of the same cells" not in text


def test_a_model_worse_than_the_copy_says_so(default_run):
    text = model_card(default_run, {**METRICS, "split": "sample", "skill": {"total": -0.2}}, None)
    assert "-0.20\n(not better than the copy)" in text
    assert "errors on a new cell are several times larger" in text


def test_a_model_that_was_not_evaluated_says_so(default_run):
    name = default_run.directory.path.name
    text = model_card(default_run, None, None)
    assert f"Not evaluated yet: `python -m rcvae_tf.evaluate --run {name}`." in text


def test_training_and_excluded_cells_are_named(default_run, dataset):
    cleaning = {
        **dataset.card.cleaning,
        "cells_dropped": [{"cell_id": "b1|c8", "reason": "eol_not_reached", "detail": "0.85"}],
        "cycles_rejected": {"gap": 3},
    }
    text = model_card(default_run, None, replace(dataset.card, cleaning=cleaning))
    for cell_id in default_run.data["training_cells"]:
        assert cell_id in text
    assert "| b1\\|c8 | eol_not_reached | 0.85 |" in text
    assert "Rejected cycles: gap 3." in text
    assert f"`{sha256(default_run.directory.model)}`" in text


def test_a_generated_set_is_called_synthetic_and_described(default_run):
    facts = facts_of(default_run)
    text = data_card(facts, ["a.npz"], "npz")
    pairs, items = header(text)
    assert pairs["pretty_name"].startswith("Synthetic charges of lithium-ion cells")
    assert "synthetic" in items
    assert "n<1K" in items
    assert "12 charges of 16 points each, of\n6 synthetic cells: EOL 500 to 700 cycles" in text
    assert "4 of 4 conditions lie within" in text
    assert "extrapolated" not in text
    assert f"`{facts.provenance['generator']['model_sha256']}`" in text
    assert "- `a.npz`\n" in text


def test_extrapolation_and_repairs_are_told(default_run):
    text = data_card(facts_of(default_run, eol=(500, 5000), project=True), [], "npz")
    assert "2 of 4 conditions lie within" in text
    assert "**The others are extrapolated**" in text
    assert "| repaired to keep to physics | yes, see synthetic.json |" in text


@pytest.mark.parametrize(
    ("charges", "size"), [(999, "n<1K"), (1000, "1K<n<10K"), (10**6, "1M<n<10M")]
)
def test_the_size_is_a_word_of_the_hub(default_run, charges, size):
    facts = replace(facts_of(default_run), num_charges=charges)
    assert size in header(data_card(facts, [], "npz"))[1]


def test_of_many_files_twenty_are_listed(default_run):
    text = data_card(facts_of(default_run), [f"{k}.bdf.csv" for k in range(30)], "bdf-csv")
    assert "- `19.bdf.csv`\n- and 10 more\n" in text
    assert "`20.bdf.csv`" not in text


@pytest.mark.parametrize("name", ["x\x7fy", "x\x85y", "x\u2028y"])
def test_what_cannot_be_printed_is_escaped_in_the_header(name):
    assert quoted(name).isprintable()
    assert json.loads(quoted(name)) == name


def test_texts_for_headers_tables_and_ranges():
    assert quoted("a\ud800") == '"a?"'
    assert quoted('a"b') == '"a\\"b"'
    assert cell(" a |\n b ") == "a \\| b"
    assert (ranges([400, 900]), ranges((5, 5))) == ("400 to 900", "5")


def arguments(run, output):
    return ["--run", str(run.directory.path), "--output", str(output), "--cards"]


def test_the_command_writes_the_card(run_copy, dataset, tmp_path, capsys):
    output = tmp_path / "out" / "model"
    run_copy.directory.metrics.unlink(missing_ok=True)
    assert export.main([*arguments(run_copy, output), "--data", str(dataset.directory)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{output}/README.md: card of the model",
        "no results in it: run `python -m rcvae_tf.evaluate` first",
    ]
    expected = model_card(load_run(run_copy.directory.path), None, read_card(dataset.directory))
    assert (output / "README.md").read_text() == expected


def test_a_card_is_not_replaced_unasked(run_copy, tmp_path, capsys):
    (tmp_path / "README.md").write_text("mine")
    assert export.main(arguments(run_copy, tmp_path)) == 2
    assert one_error_line(capsys).endswith("exists. Choose another folder, or add --overwrite.")
    assert (tmp_path / "README.md").read_text() == "mine"
    assert export.main([*arguments(run_copy, tmp_path), "--overwrite"]) == 0
    assert (tmp_path / "README.md").read_text().startswith("---\nlibrary_name")


def test_no_run_and_no_folder_are_one_line(tmp_path, capsys):
    argv = ["--run", str(tmp_path), "--output", str(tmp_path / "out")]
    for wanted in ([], ["--cards"]):
        assert exit_code(export.main, [*argv, *wanted]) == 2
        assert "holds no run" in one_error_line(capsys)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is a file, expected a folder"):
        check_card(tmp_path / "file", overwrite=True)
