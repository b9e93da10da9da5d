"""What an evaluation leaves in a run: the same at the end of a training and on request."""

import shutil
from typing import Any

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
    """
    directory, card = run.directory, dataset.card
    metrics, generated = evaluate(run, dataset, seed)
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
