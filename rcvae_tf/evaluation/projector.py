"""The embedding for TensorBoard's projector.

Keras' own way (`embeddings_freq`) shows nothing under Keras 3: its configuration names a tensor of
a checkpoint that it does not write. A checkpoint of the matrix alone has the name by itself.
"""

import logging
import shutil
from pathlib import Path

from data_prep.records import Condition
from rcvae_tf.embedding_matrix import EmbeddingMatrix

# What TensorFlow calls the attribute `embedding` of a checkpoint.
TENSOR_NAME = "embedding/.ATTRIBUTES/VARIABLE_VALUE"
METADATA_NAME = "metadata.tsv"


def write_projector(matrix: EmbeddingMatrix, folder: Path) -> None:
    """Writes a folder that TensorBoard takes for a run, in place of an older one.

    Args:
        matrix: Rows, their labels and their cells.
        folder: Anywhere below what `tensorboard --logdir` is given.
    """
    import tensorflow as tf
    from tensorboard.plugins import projector

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # A folder without an event file is no run, and where it is none the projector does not look.
    tf.summary.create_file_writer(str(folder)).close()
    (folder / METADATA_NAME).write_text(metadata_lines(matrix), encoding="utf-8")
    variable = tf.Variable(matrix.embeddings, dtype=tf.float32)
    logger = logging.getLogger("absl")
    logger.setLevel(max(logger.level, logging.WARNING))  # it tells how long saving took
    tf.train.Checkpoint(embedding=variable).save(str(folder / "embedding.ckpt"))
    config = projector.ProjectorConfig()
    # The checkpoint is found beside the configuration, also where a run was moved.
    config.embeddings.add(tensor_name=TENSOR_NAME, metadata_path=METADATA_NAME)
    projector.visualize_embeddings(str(folder), config)


def metadata_lines(matrix: EmbeddingMatrix) -> str:
    """A header, then EOL, ECL and RUL in cycles and the cells of each row, between tabs."""
    lines = ["EOL\tECL\tRUL\tcell"]
    for (eol, ecl), cells in zip(matrix.labels.tolist(), matrix.cell_ids, strict=True):
        lines.append(f"{eol}\t{ecl}\t{Condition(eol, ecl).rul}\t{cells}")
    return "\n".join(lines) + "\n"
