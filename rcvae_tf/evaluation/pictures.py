"""Generated over measured: curves and frames of a few test samples, into the run."""

from pathlib import Path

import numpy as np

from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves
from rcvae_tf.report.figures import curves_figure, frames_figure, save_figure
from rcvae_tf.report.labels import sample_titles
from rcvae_tf.run import Run

NUM_SAMPLES = 4
NUM_DRAWS = 20


def draw_test_samples(run: Run, test: SplitData, seed: int) -> list[Path]:
    """Writes `curves.png` and `frames.png` of test samples, chosen by the seed.

    Returns:
        The files.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(test), min(NUM_SAMPLES, len(test)), replace=False))
    labels = test.labels[rows]
    titles = sample_titles(test.cell_ids[rows], labels)
    measured: Curves = {name: values[rows] for name, values in test.curves.items()}
    z = np.zeros((len(rows), run.latent_dim))
    curves = run.decode(labels, z)
    drawn = run.decode(
        np.repeat(labels, NUM_DRAWS, axis=0),
        rng.standard_normal((len(rows) * NUM_DRAWS, run.latent_dim)),
    )
    draws = {name: v.reshape(len(rows), NUM_DRAWS, -1) for name, v in drawn.items()}
    paths = [run.directory.figures / name for name in ("curves.png", "frames.png")]
    save_figure(curves_figure(measured, curves, titles, draws), paths[0])
    videos = run.decode_quasi_video(labels, z)
    frames = frames_figure(test.quasi_video[rows], videos, titles, test.signals_present)
    save_figure(frames, paths[1])
    return paths
