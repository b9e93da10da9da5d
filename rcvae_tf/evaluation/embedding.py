"""The learned embedding of a run, and the training cells behind each of its rows."""

from typing import Any

import numpy as np

from data_prep.records import Condition, FloatArray
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import Dataset, SplitData
from rcvae_tf.embedding_matrix import EmbeddingMatrix
from rcvae_tf.run import Run


def embedding_matrix(run: Run, dataset: Dataset) -> EmbeddingMatrix | None:
    """What `embeddings.npz` holds; None for a model without an embedding.

    Args:
        run: The trained run.
        dataset: The data set that it was trained on.
    """
    layer = run.model.embedding
    if layer is None:
        return None
    merged = run.config.training.merge_validation
    trained = dataset.known(merged)
    return EmbeddingMatrix(
        embeddings=_rows(layer, run.vocabulary),
        labels=run.vocabulary.labels,
        cell_ids=np.array(cells_of_conditions(run.vocabulary, trained)),
        condition_weight=run.vocabulary.weight,
    )


def _rows(layer: Any, vocabulary: Vocabulary) -> FloatArray:
    """The row that each condition gets; those of one EOL share theirs where lives are embedded."""
    from rcvae_tf.model.canvas_networks import LifeEmbedding

    if isinstance(layer, LifeEmbedding):
        return np.asarray(layer(vocabulary.labels[:, 0].astype(np.float32)))
    return np.asarray(layer.embeddings)


def cells_of_conditions(vocabulary: Vocabulary, trained: SplitData) -> list[str]:
    """The cells that bear each condition, in alphabetical order, joined by a space.

    Args:
        vocabulary: Of the training conditions.
        trained: The samples that the model was trained on.
    """
    cells: dict[Condition, set[str]] = {condition: set() for condition in vocabulary.conditions}
    for condition, cell_id in zip(trained.conditions, trained.cell_ids, strict=True):
        cells[condition].add(str(cell_id))
    return [" ".join(sorted(names)) for names in cells.values()]
