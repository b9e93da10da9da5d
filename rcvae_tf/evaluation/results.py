"""What an evaluation leaves in a run: the same at the end of a training and on request."""

import json
import shutil
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.dataset import Dataset
from rcvae_tf.evaluation.embedding import embedding_matrix
from rcvae_tf.evaluation.evaluate import evaluate
from rcvae_tf.evaluation.projector import write_projector
from rcvae_tf.evaluation.samples import describe_samples
from rcvae_tf.run import Run
from rcvae_tf.run_directory import write_json


def evaluate_and_write(run: Run, dataset: Dataset, seed: int = 0) -> dict[str, Any]:
    """Evaluates a run and writes its test samples, its embedding if it has one, its metrics.

    Args:
        run: The trained run.
        dataset: The data set that it was trained on.
        seed: Of the draws of z, and of the choice of samples that are pictured.

    Returns:
        What `metrics.json` holds.

    Raises:
        SettingsError: An error is no number, in a mode that training does not watch.
    """
    directory, card = run.directory, dataset.card
    metrics, generated = evaluate(run, dataset, seed)
    _check_finite(metrics, run)
    grid = (card.height, card.width)
    describe_samples(dataset.test, generated, grid, seed).save(directory.test_samples)
    matrix = embedding_matrix(run, dataset)
    if matrix is None:
        directory.embeddings.unlink(missing_ok=True)
        shutil.rmtree(directory.projector, ignore_errors=True)
    else:
        matrix.save(directory.embeddings)
        write_projector(matrix, directory.projector)
    # The metrics come last: where they are, the rest is.
    write_json(directory.metrics, metrics)
    return metrics


def _check_finite(metrics: dict[str, Any], run: Run) -> None:
    try:
        json.dumps(metrics, allow_nan=False)
    except ValueError as error:
        learning_rate = run.config.training.learning_rate
        raise SettingsError(
            f"{run.directory.path}: an error of the best model is not a finite number. "
            f"Lower --learning-rate. Received: learning_rate={learning_rate:g}."
        ) from error
