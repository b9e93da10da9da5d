import json

import numpy as np
import pytest

from rcvae_tf import ablate, evaluate, train
from rcvae_tf.ablation import running
from rcvae_tf.ablation.directory import AblationDirectory
from rcvae_tf.ablation.training import RowOutcome
from rcvae_tf.presets import resolve
from rcvae_tf.report.ablation_tables import read_ablation
from rcvae_tf.run import load_run
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import tensorboard
from tests.builders import exit_code, one_error_line
from tests.rcvae_tf.test_train_command import TINY_FLAGS

ONE_EPOCH = [*TINY_FLAGS, "--epochs", "1"]
ROWS = ["None", "Embedding", "latent", "labels"]


@pytest.fixture(scope="module")
def ablated(tmp_path_factory, dataset):
    """An ablation by the command, of four rows that are not layers."""
    directory = AblationDirectory(tmp_path_factory.mktemp("ablation") / "A")
    argv = ["--data", str(dataset.directory), "--output", str(directory.path), "--jobs", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensorboard.LatentAndPictures, "write_pictures", lambda self: None)
        assert ablate.main([*argv, "--rows", "labels,latent,EMBEDDING,none", *ONE_EPOCH]) == 0
    return directory


@pytest.fixture
def calls(monkeypatch):
    """What `ablate` would be called with; in its place every row fails."""
    received = []

    def record(whole, dataset, directory, rows, jobs, overwrite=False):
        received.append((whole, rows, jobs, overwrite))
        return {}, {}

    monkeypatch.setattr(running, "ablate", record)
    return received


def metrics_of(ablated, row):
    return json.loads(ablated.run(row).metrics.read_text(encoding="utf-8"))


def test_every_row_is_a_run_and_a_line_of_both_tables(ablated):
    for path, mode in ((ablated.table, "reconstruct"), (ablated.generated, "mean")):
        rows = read_ablation(path)
        assert [row["detach"] for row in rows] == ROWS
        for row in rows:
            errors = metrics_of(ablated, row["detach"])["modes"][mode]
            assert row["mae"] == errors["total"]["mae"]
            assert row["rmse_current_c_rate"] == errors["current_c_rate"]["rmse"]
            assert row["early_cycles"] == 6
    for row in ROWS:
        run = ablated.run(row)
        for path in (run.config, run.model, run.history, run.test_samples, run.log):
            assert path.is_file(), path
        assert run.embeddings.is_file() == (row != "Embedding")


def test_the_settings_of_a_row_say_what_it_leaves_out(ablated):
    said = {
        row: (stored["model"]["detach"], stored["training"]["shuffle_labels"])
        for row in ROWS
        for stored in [ablated.run(row).read_config()]
    }
    assert said == {
        "None": ("none", False),
        "Embedding": ("embedding", False),
        "latent": ("latent", False),
        "labels": ("none", True),
    }


def test_rows_differ_from_the_whole_model(ablated):
    maes = [row["mae"] for row in read_ablation(ablated.table)]
    assert len(set(maes)) == len(ROWS)


def test_without_a_latent_all_modes_are_one(ablated):
    metrics = metrics_of(ablated, "latent")
    modes = metrics["modes"]
    for mode in ("prior", "mean"):
        assert modes[mode]["total"]["mae"] == pytest.approx(
            modes["reconstruct"]["total"]["mae"], rel=1e-6
        )
    assert metrics["latent"]["kl_per_dim"] == [0.0, 0.0]
    whole = metrics_of(ablated, "None")["modes"]
    assert whole["prior"]["total"]["mae"] != whole["mean"]["total"]["mae"]


def test_baselines_of_shuffled_labels_look_up_the_true_ones(ablated):
    rows = (metrics_of(ablated, row)["baselines"] for row in ("labels", "None"))
    assert next(rows) == next(rows)


@pytest.mark.parametrize("row", ROWS[1:])
def test_a_row_can_be_evaluated_again(ablated, row, capsys):
    before = metrics_of(ablated, row)
    assert evaluate.main(["--run", str(ablated.run(row).path), "--no-figures"]) == 0
    assert metrics_of(ablated, row)["modes"]["mean"] == before["modes"]["mean"]
    assert "MAE" in capsys.readouterr().out


def test_without_the_embedding_generation_ignores_the_condition(ablated):
    run = load_run(ablated.run("Embedding").path)
    one, other = (run.generate(eol, ecl, samples=2) for eol, ecl in ((400, 1), (900, 6)))
    assert (one["eol"][0], other["eol"][0]) == (400, 900)
    for name in run.model.signals_present:
        np.testing.assert_array_equal(other[name], one[name])


def test_a_second_call_keeps_every_row_and_prints_the_table(ablated, dataset, monkeypatch, capsys):
    def never(place, work):
        raise AssertionError(place)

    monkeypatch.setattr(running, "train_row", never)
    argv = ["--data", str(dataset.directory), "--output", str(ablated.path), *ONE_EPOCH]
    assert ablate.main([*argv, "--rows", "None,Embedding"]) == 0
    lines = capsys.readouterr().out.splitlines()
    firsts = [line.split()[0] for line in lines if len(line.split()) > 6]
    assert [word for word in firsts[: firsts.index("labels") + 1] if word in ROWS] == ROWS
    assert f"tables: {ablated.table}, {ablated.generated}" in lines
    assert f"next: tensorboard --logdir {ablated.runs}" in lines


def test_a_row_is_a_run_that_train_makes_too(ablated, dataset, tmp_path, no_pictures):
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "run")]
    config = ["--config", str(ablated.run("latent").config)]
    assert train.main([*argv, *config]) == 0
    metrics = json.loads(RunDirectory(tmp_path / "run").metrics.read_text(encoding="utf-8"))
    assert metrics == metrics_of(ablated, "latent")


def test_a_failed_row_is_named_and_the_code_is_2(dataset, tmp_path, monkeypatch, capsys):
    def fail(place, work):
        return RowOutcome(place[0], None, "val_mae was never a number", 1.0)

    monkeypatch.setattr(running, "train_row", fail)
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "A"), "--jobs", "1"]
    assert ablate.main([*argv, "--rows", "None,latent", *ONE_EPOCH]) == 2
    out, err = capsys.readouterr()
    failed = [words for line in out.splitlines() if (words := line.split())[1:] == ["failed"]]
    assert failed == [["None", "failed"], ["latent", "failed"]]
    assert err.splitlines()[-1] == (
        "python -m rcvae_tf.ablate: error: 2 of 2 rows failed: None (val_mae was never a number); "
        "latent (val_mae was never a number)"
    )


def test_the_preset_is_that_of_the_paper_with_all_rows(dataset, tmp_path, calls):
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "A")]
    assert ablate.main([*argv, "--epochs", "7", "--jobs", "3", "--overwrite"]) == 0
    ((whole, rows, jobs, overwrite),) = calls
    assert whole == resolve("paper", None, {"epochs": 7})
    assert (len(rows), jobs, overwrite) == (34, 3, True)


@pytest.mark.parametrize(
    ("stored", "flags", "preset"),
    [
        ({"preset": "default"}, [], "default"),
        ({"model": {}}, [], "paper"),
        ({"preset": "default"}, ["--preset", "default"], "default"),
    ],
)
def test_settings_are_those_of_a_search(dataset, tmp_path, calls, stored, flags, preset):
    best = tmp_path / "best.json"
    best.write_text(json.dumps({**stored, "training": {"batch_size": 11}}), encoding="utf-8")
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "A"), *flags]
    assert ablate.main([*argv, "--config", str(best)]) == 0
    assert calls[0][0] == resolve(preset, None, {"batch_size": 11})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--rows", "Decoder_16"], "unknown row 'Decoder_16'. Rows of a model with num_hidden"),
        (["--detach", "latent"], "`detach` must be none where an ablation starts: --rows says"),
        (["--shuffle-labels"], "`shuffle_labels` must be False where an ablation starts"),
        (["--jobs", "0"], "`jobs` must be an integer from 1 to 1024. Received: jobs=0."),
        (["--data", "nowhere"], "nowhere: holds no data set"),
    ],
)
def test_wrong_input_is_one_line_and_code_2(dataset, tmp_path, capsys, flags, message):
    output = tmp_path / "A"
    argv = ["--data", str(dataset.directory), "--output", str(output), *flags]
    assert exit_code(ablate.main, argv) == 2
    assert message in one_error_line(capsys)
    assert not output.exists()


def test_two_presets_are_refused(dataset, tmp_path, capsys):
    best = tmp_path / "best.json"
    best.write_text('{"preset": "default"}', encoding="utf-8")
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "A")]
    assert exit_code(ablate.main, [*argv, "--config", str(best), "--preset", "paper"]) == 2
    assert "holds the settings of preset default. Leave out one" in one_error_line(capsys)
