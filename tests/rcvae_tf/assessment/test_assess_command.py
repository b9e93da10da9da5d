import json
import shutil

import pytest

from rcvae_tf import assess
from rcvae_tf.assessment import regressors, usefulness
from rcvae_tf.assessment.assess import MEASURES
from rcvae_tf.assessment.layout import SETS
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import tensorboard
from rcvae_tf.training.fit import fit
from tests.builders import exit_code, one_error_line
from tests.rcvae_tf import builders


@pytest.fixture(scope="module")
def assessed_run(tmp_path_factory):
    """A tiny run on 96 charges of four cells: 24 of them in the test split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builders, "NUM_CYCLES", 24)
        patch.setattr(tensorboard.LatentAndPictures, "write_pictures", lambda self: None)
        dataset = builders.write_dataset(tmp_path_factory.mktemp("data") / "made")
        directory = RunDirectory(tmp_path_factory.mktemp("runs"))
        fit(builders.tiny_config(), dataset, directory)
    return directory.path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(usefulness, "CHOICES", 2)
    monkeypatch.setattr(usefulness, "REPEATS", 1)
    monkeypatch.setattr(regressors, "NUM_TREES", 5)


def test_every_measure_is_on_the_page_and_in_the_file(assessed_run, tmp_path, capsys):
    argv = ["--run", str(assessed_run), "--output", str(tmp_path)]
    assert assess.main(argv) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2:] == [
        f"scores: {tmp_path / 'assess.json'}",
        f"page: {tmp_path / 'assess.html'}",
    ]
    table = [line for line in printed if line.startswith(" ")]
    assert len(table) > 20
    assert all(len(line) <= 80 for line in table)
    assert any(line.startswith("Sample split: the generator has seen other") for line in printed)
    scores = json.loads((tmp_path / "assess.json").read_text(encoding="utf-8"))
    assert list(scores["measures"]) == list(MEASURES)
    assert scores["facts"]["cells"] == {"trained": 4, "tested": 4}
    copy = scores["measures"]["memorisation"]["copy"]
    assert (copy["distance"], copy["membership_auc"]) == (0.0, 1.0)
    for name in ("discrimination", "mmd", "neighbours", "intervals", "spread", "physics"):
        assert set(SETS) <= set(scores["measures"][name])
    page = (tmp_path / "assess.html").read_text(encoding="utf-8")
    assert all(f'<section id="{name}">' in page for name in ("summary", *MEASURES))
    assert page.count('src="data:image/png;base64,') == 2
    assert "<title>Are the generated charges" in page
    # The same seed, the same scores.
    assert assess.main([*argv[:3], str(tmp_path / "again")]) == 0
    again = (tmp_path / "again" / "assess.json").read_text(encoding="utf-8")
    assert again == (tmp_path / "assess.json").read_text(encoding="utf-8")


def fault(argv, capsys):
    assert exit_code(assess.main, argv) == 2
    return one_error_line(capsys)


def test_another_data_set_is_refused(assessed_run, dataset, tmp_path, capsys):
    argv = ["--run", str(assessed_run), "--data", str(dataset.directory)]
    assert "is not the data set that the run was trained on" in fault(argv, capsys)


def test_too_few_charges_are_refused(default_run, tmp_path, capsys):
    line = fault(["--run", str(default_run.directory.path), "--output", str(tmp_path)], capsys)
    assert "an assessment needs" in line
    assert not list(tmp_path.iterdir())


def test_an_unfinished_run_another_version_and_data_that_are_gone(assessed_run, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(assessed_run, run)
    assert "gone: holds no data set" in fault(["--run", str(run), "--data", "gone"], capsys)
    (run / "model.keras").unlink()
    assert "the run has not come to its end" in fault(["--run", str(run)], capsys)
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    (run / "config.json").write_text(json.dumps({**config, "format_version": 1}), encoding="utf-8")
    assert "format version 1, expected 3" in fault(["--run", str(run)], capsys)


def test_a_file_in_the_place_of_the_output_is_refused(assessed_run, tmp_path, capsys):
    path = tmp_path / "file"
    path.touch()
    line = fault(["--run", str(assessed_run), "--output", str(path)], capsys)
    assert line.endswith(f"--output {path}: is a file, expected a folder.")
