"""Writes the card of a model, from what lies in its run and in its data set."""

from pathlib import Path

from data_prep.dataset_card import DatasetCard, read_card
from data_prep.errors import DatasetError, SettingsError
from rcvae_tf.cards.model_card import model_card
from rcvae_tf.run import Run
from rcvae_tf.run_directory import read_json

CARD = "README.md"


def check_card(folder: Path, overwrite: bool) -> None:
    """Refuses a place where a card cannot be written, or would replace something.

    Raises:
        SettingsError: A file in place of the folder, or something that would be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--output {folder}: is a file, expected a folder.")
    if (folder / CARD).exists() and not overwrite:
        raise SettingsError(
            f"--output {folder / CARD}: exists. Choose another folder, or add --overwrite."
        )


def write_model_card(run: Run, data: Path | None, folder: Path) -> tuple[Path, list[str]]:
    """Writes `README.md`.

    Args:
        run: The trained run.
        data: Folder of its data set; None takes the one that it was trained on, if it is there.
        folder: Made where it is missing.

    Returns:
        The file, and what it lacks.

    Raises:
        SettingsError: The metrics are damaged, or the card cannot be written.
        DatasetError: No data set at `data`.
    """
    notes, metrics = [], None
    if run.directory.metrics.is_file():
        metrics = read_json(run.directory.metrics, "Run `python -m rcvae_tf.evaluate` again.")
    else:
        notes.append("no results in it: run `python -m rcvae_tf.evaluate` first")
    card = _card_of(run, data)
    if card is None:
        notes.append("no cleaning in it: the data set is not there, say where with --data")
    text = model_card(run, metrics, card)
    path = folder / CARD
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{CARD}.part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise SettingsError(f"--output {folder}: cannot be written ({error.strerror}).") from error
    return path, notes


def _card_of(run: Run, data: Path | None) -> DatasetCard | None:
    if data is not None:
        return read_card(data)
    try:
        return read_card(Path(run.data["directory"]))
    except DatasetError:
        return None
