import json

import pytest

from rcvae_tf import evaluate
from rcvae_tf.evaluation.evaluate import evaluate as evaluate_run
from tests.builders import exit_code, one_error_line


def test_evaluation_prints_its_table_and_writes_metrics_and_figures(run_copy, capsys):
    path = run_copy.directory.path
    left = [getattr(run_copy.directory, name) for name in ("metrics", "test_samples", "embeddings")]
    for file in left:
        file.unlink()
    assert evaluate.main(["--run", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "6 test charges, 15 for training; sample split, cycles 1 to 6 at the most" in lines
    rows = ("reconstruct (sees", "prior (z", "mean (z", "median (of", "ecl_mean", "k_nearest_mean")
    for row in rows:
        assert sum(line.strip().startswith(row) for line in lines) == 2
    for row in ("50 draws a charge", "CRPS", "share inside it", "breaks a rule", "any of these"):
        assert sum(line.strip().startswith(row) for line in lines) == 1
    assert lines[-6:] == [
        f"metrics: {path / 'metrics.json'}",
        f"test samples: {path / 'test_samples.npz'}",
        f"embedding: {path / 'embeddings.npz'}",
        f"figure: {path / 'figures' / 'curves.png'}",
        f"figure: {path / 'figures' / 'bands.png'}",
        f"figure: {path / 'figures' / 'frames.png'}",
    ]
    assert all(file.is_file() for file in left)
    assert all(
        (path / "figures" / name).is_file() for name in ("curves.png", "bands.png", "frames.png")
    )


def test_metrics_follow_the_seed_and_figures_can_be_left_out(run_copy, dataset):
    path = run_copy.directory.path
    assert evaluate.main(["--run", str(path), "--seed", "3", "--no-figures"]) == 0
    stored = json.loads(run_copy.directory.metrics.read_text(encoding="utf-8"))
    expected = evaluate_run(run_copy, dataset, seed=3).metrics
    for mode in ("prior", "mean", "median"):
        assert stored["modes"][mode] == expected["modes"][mode]
    for part in ("intervals", "physics"):
        assert stored[part] == expected[part]
    assert not run_copy.directory.figures.exists()


def test_a_collapse_is_a_warning_below_the_table(run_copy, capsys):
    head = run_copy.model.encoder.mean_head
    for weight in head.weights:
        weight.assign(0.0 * weight)
    run_copy.model.save(run_copy.directory.model)
    assert evaluate.main(["--run", str(run_copy.directory.path), "--no-figures"]) == 0
    warned = capsys.readouterr().out.splitlines()
    assert any(line.startswith("warning: z is not in use: 0 of 2 latent") for line in warned)


def test_a_moved_data_set_is_found_where_it_is_said_to_be(run_copy, dataset_copy, capsys):
    path = run_copy.directory.config
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["data"]["directory"] = "moved"
    path.write_text(json.dumps(stored), encoding="utf-8")
    argv = ["--run", str(run_copy.directory.path), "--no-figures"]
    assert exit_code(evaluate.main, argv) == 2
    assert "moved: holds no data set" in one_error_line(capsys)
    assert evaluate.main([*argv, "--data", str(dataset_copy.directory)]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "the following arguments are required: --run"),
        ("--run nowhere", "nowhere: holds no run (config.json is missing)"),
        ("--run nowhere --seed -1", "`seed` must be an integer of 0 or more. Received: seed=-1."),
    ],
)
def test_a_fault_of_the_user_is_one_line(tmp_path, monkeypatch, capsys, flags, message):
    monkeypatch.chdir(tmp_path)
    assert exit_code(evaluate.main, flags.split()) == 2
    line = one_error_line(capsys)
    assert line.startswith("python -m rcvae_tf.evaluate: error: ")
    assert message in line
    assert not list(tmp_path.iterdir())
