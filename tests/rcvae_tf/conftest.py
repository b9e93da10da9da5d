"""One tiny data set and one tiny trained run of each preset, made once for all tests here."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rcvae_tf.dataset import open_dataset
from rcvae_tf.exporting.archive import export_run
from rcvae_tf.run import load_run
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import tensorboard
from rcvae_tf.training.fit import fit
from tests.rcvae_tf.builders import (
    POLICY_OF_CELL,
    WITHOUT_TEMPERATURE,
    randomise,
    tiny_config,
    tiny_model,
    write_dataset,
)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "made")


@pytest.fixture(scope="session")
def dataset_without_temperature(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "made", WITHOUT_TEMPERATURE)


@pytest.fixture(scope="session")
def default_fit(tmp_path_factory, dataset):
    """The run and the metrics of preset `default`, three epochs, pictures at both ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensorboard, "PICTURES_PER_TRAINING", 1)
        directory = RunDirectory(tmp_path_factory.mktemp("runs"))
        return fit(tiny_config(epochs=3), dataset, directory)


@pytest.fixture(scope="session")
def paper_fit(tmp_path_factory, dataset):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensorboard.LatentAndPictures, "write_pictures", lambda self: None)
        directory = RunDirectory(tmp_path_factory.mktemp("runs"))
        return fit(tiny_config("paper"), dataset, directory)


@pytest.fixture(scope="session")
def default_run(default_fit):
    return default_fit[0]


@pytest.fixture(scope="session")
def paper_run(paper_fit):
    return paper_fit[0]


@pytest.fixture(params=["default", "paper"])
def either_run(request):
    return request.getfixturevalue(f"{request.param}_run")


@pytest.fixture
def run_copy(default_run, tmp_path):
    """The default run in a folder of its own, for what writes into it."""
    shutil.copytree(default_run.directory.path, tmp_path / "run")
    return load_run(tmp_path / "run")


@pytest.fixture
def dataset_copy(dataset, tmp_path):
    """The data set in a folder of its own, for what damages it."""
    shutil.copytree(dataset.directory, tmp_path / "data")
    return open_dataset(tmp_path / "data")


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr(tensorboard.LatentAndPictures, "write_pictures", lambda self: None)


@pytest.fixture(scope="session")
def paper_table_1():
    """Table 1 of the paper as `{(early_cycles, signal): (mae, rmse)}`; skipped where it is not."""
    path = Path(__file__).resolve().parents[3] / "shared" / "paper" / "table1.csv"
    if not path.is_file():
        pytest.skip("needs the tables of the paper beside the checkout")
    with path.open(encoding="utf-8", newline="") as file:
        return {
            (int(row["early_cycles"]), row["signal"]): (float(row["mae"]), float(row["rmse"]))
            for row in csv.DictReader(file)
        }


@pytest.fixture(scope="session")
def exported(tmp_path_factory, default_run, dataset):
    """Version 1 of the default run, with its training charges."""
    folder = tmp_path_factory.mktemp("models") / "rcvae"
    return export_run(default_run, folder, dataset.directory, num_measured=100).directory


@pytest.fixture(scope="session")
def exported_paper(tmp_path_factory, paper_run, dataset):
    folder = tmp_path_factory.mktemp("models") / "paper"
    return export_run(paper_run, folder, dataset.directory, num_measured=0).directory


@pytest.fixture(scope="session")
def policy_run(default_run, dataset):
    """A run that is told the charge policy; its weights are made up."""
    model, vocabulary = tiny_model(dataset, condition="eol,ecl,policy")
    config = tiny_config(condition="eol,ecl,policy")
    data = {**default_run.data, "training_policies": list(POLICY_OF_CELL.values())}
    return replace(
        default_run, config=config, data=data, model=randomise(model), vocabulary=vocabulary
    )
