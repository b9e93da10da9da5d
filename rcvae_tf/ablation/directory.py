"""The files of an ablation directory, and what a directory belongs to."""

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.ablation.rows import row_config, row_names
from rcvae_tf.dataset import Dataset
from rcvae_tf.presets import RunConfig, resolve
from rcvae_tf.run_directory import RunDirectory, read_json, write_json

FORMAT_VERSION = 1


@dataclass(frozen=True)
class AblationDirectory:
    """A folder with a run for each row, and the tables of them."""

    path: Path

    @property
    def record(self) -> Path:
        """Settings of the whole model, the data, and the rows asked for so far."""
        return self.path / "ablation.json"

    @property
    def table(self) -> Path:
        """Errors of the rows in mode `reconstruct`, the paper's."""
        return self.path / "ablation.csv"

    @property
    def generated(self) -> Path:
        """The same in mode `mean`, generated from the condition alone."""
        return self.path / "ablation_generated.csv"

    @property
    def runs(self) -> Path:
        """The run of every row; `tensorboard --logdir` takes it."""
        return self.path / "rows"

    def run(self, row: str) -> RunDirectory:
        """The run of one row."""
        return RunDirectory(self.runs / row.lower())

    def read_metrics(self, row: str) -> dict[str, Any] | None:
        """What was measured of a row; None where it is not finished.

        Raises:
            SettingsError: The file is damaged.
        """
        path = self.run(row).metrics
        if not path.is_file():
            return None
        return read_json(path, "Remove it, and the row is finished again.")

    def clear(self) -> None:
        """Removes an earlier ablation; other files are not touched."""
        shutil.rmtree(self.runs, ignore_errors=True)
        for path in (self.record, self.table, self.generated):
            path.unlink(missing_ok=True)


def claim(
    directory: AblationDirectory,
    whole: RunConfig,
    dataset: Dataset,
    rows: tuple[str, ...],
    overwrite: bool,
) -> tuple[str, ...]:
    """Makes the directory that of an ablation, or goes on with one of the same.

    Args:
        directory: Missing, empty, or an ablation.
        whole: Settings of the row `None`.
        dataset: Prepared data.
        rows: Wanted now.
        overwrite: Replace an ablation that lies there.

    Returns:
        All rows asked for so far, in the order of the table.

    Raises:
        SettingsError: Something else lies there, or an ablation of other settings or other data.
    """
    record: dict[str, Any] = {}
    if directory.path.is_dir() and any(directory.path.iterdir()):
        _check_ablation(directory)
        if overwrite:
            directory.clear()
        else:
            record = _read_record(directory)
    elif directory.path.exists() and not directory.path.is_dir():
        raise SettingsError(f"--output {directory.path}: is a file, expected a folder to make.")
    if record:
        _check_same(directory, record, whole, dataset)
        for row in row_names(whole.model.num_hidden_layers):
            _check_run(directory.run(row), row_config(whole, row), dataset)
    everything = row_names(whole.model.num_hidden_layers)
    asked = tuple(name for name in everything if name in (*rows, *record.get("rows", [])))
    directory.path.mkdir(parents=True, exist_ok=True)
    write_json(directory.record, _record(whole, dataset, asked))
    return asked


def _record(whole: RunConfig, dataset: Dataset, rows: tuple[str, ...]) -> dict[str, Any]:
    from rcvae_tf import __version__

    data = {"directory": str(dataset.directory.resolve()), "shards": dataset.card.shards}
    values = {**whole.to_dict(), "rows": list(rows), "data": data, "rcvae_tf": __version__}
    return {"format_version": FORMAT_VERSION, **values}


def _check_ablation(directory: AblationDirectory) -> None:
    if not directory.record.is_file():
        raise SettingsError(
            f"--output {directory.path}: is not empty and holds no ablation "
            f"({directory.record.name} is missing). Choose another folder."
        )


def _read_record(directory: AblationDirectory) -> dict[str, Any]:
    record = read_json(directory.record, "Choose another --output, or --overwrite.")
    if record.get("format_version") != FORMAT_VERSION:
        raise SettingsError(
            f"{directory.record}: format version {record.get('format_version')!r}, expected "
            f"{FORMAT_VERSION}. Choose another --output."
        )
    return record


def _check_same(
    directory: AblationDirectory, record: dict[str, Any], whole: RunConfig, dataset: Dataset
) -> None:
    way_out = "Choose another --output, or --overwrite."
    data = record.get("data", {})
    if data.get("shards") != dataset.card.shards:
        raise SettingsError(
            f"{directory.path}: holds an ablation of other data, made at {data.get('directory')}. "
            f"{way_out}"
        )
    different = _first_difference(resolve(None, _settings(record)), whole)
    if different:
        raise SettingsError(
            f"{directory.path}: holds an ablation with other settings: {different}. {way_out}"
        )


def _check_run(run: RunDirectory, config: RunConfig, dataset: Dataset) -> None:
    """Whether a run that lies in the place of a row is that row."""
    if not run.config.is_file():
        return
    stored = run.read_config()
    different = _first_difference(resolve(None, _settings(stored)), config)
    if stored["data"].get("shards") != dataset.card.shards:
        different = "data"
    if different:
        raise SettingsError(
            f"{run.path}: is no row of this ablation, it differs in {different}. Remove it, or "
            f"--overwrite."
        )


def _settings(stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in ("preset", "model", "training") if name in stored}


def _first_difference(stored: RunConfig, wanted: RunConfig) -> str:
    """`epochs=5 where 10 is asked for`; empty where all settings agree."""
    for part in ("model", "training"):
        theirs, ours = (dataclasses.asdict(getattr(c, part)) for c in (stored, wanted))
        for name, value in ours.items():
            if theirs[name] != value:
                return f"{name}={theirs[name]} where {value} is asked for"
    return ""
