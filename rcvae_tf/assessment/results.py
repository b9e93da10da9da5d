"""What an assessment leaves: its scores and its page."""

from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.assessment.assess import assess
from rcvae_tf.assessment.layout import PAGE, RESULTS
from rcvae_tf.assessment.page import write_page
from rcvae_tf.dataset import Dataset
from rcvae_tf.run import Run
from rcvae_tf.run_directory import write_json


def assess_and_write(
    run: Run, dataset: Dataset, output: Path | None, seed: int
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Assesses a run and writes `assess.json` and `assess.html`.

    Args:
        run: The trained run.
        dataset: The data set that it was trained on.
        output: Folder of the two; None takes `assessment/` in the run.
        seed: Of draws, halves, folds and choices.

    Returns:
        The scores, and what was written, by what it is.

    Raises:
        DatasetError: Another data set than the run's; too few cells or charges.
        SettingsError: The output is a file.
    """
    folder = output or run.directory.assessment
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--output {folder}: is a file, expected a folder.")
    scores = assess(run, dataset, seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RESULTS, scores)
    write_page(scores, folder / PAGE)
    return scores, {"scores": folder / RESULTS, "page": folder / PAGE}
