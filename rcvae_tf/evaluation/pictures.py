"""Generated over measured: curves and frames of a few test samples, into the run."""

from pathlib import Path

import numpy as np

from data_prep.quasi_video import pack
from data_prep.records import SIGNALS, FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves
from rcvae_tf.report.figure_bands import bands_figure
from rcvae_tf.report.figures import curves_figure, frames_figure, save_figure
from rcvae_tf.report.labels import sample_titles
from rcvae_tf.run import Run

NUM_SAMPLES = 4
NUM_DRAWS = 200
NUM_LINES = 20  # of them, drawn one by one


def draw_test_samples(run: Run, test: SplitData, seed: int) -> list[Path]:
    """Writes `curves.png`, `bands.png` and `frames.png` of test samples, chosen by the seed.

    Returns:
        The files.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(test), min(NUM_SAMPLES, len(test)), replace=False))
    labels = test.labels[rows]
    titles = sample_titles(test.cell_ids[rows], labels)
    measured: Curves = {name: values[rows] for name, values in test.curves.items()}
    policy_steps = test.policy_steps[rows]
    expected = run.mean_curves(labels, policy_steps)
    drawn = run.draw_curves(
        np.repeat(labels, NUM_DRAWS, axis=0), np.repeat(policy_steps, NUM_DRAWS, axis=0), rng
    )
    draws = {name: v.reshape(len(rows), NUM_DRAWS, -1) for name, v in drawn.items()}
    paths = [run.directory.figures / name for name in ("curves.png", "bands.png", "frames.png")]
    lines = {name: values[:, :NUM_LINES] for name, values in draws.items()}
    save_figure(curves_figure(measured, expected, titles, lines), paths[0])
    save_figure(bands_figure(measured, draws, titles), paths[1])
    videos = test.quasi_video[rows]
    generated = _quasi_video(expected, *videos.shape[-2:])
    save_figure(frames_figure(videos, generated, titles, test.signals_present), paths[2])
    return paths


def _quasi_video(curves: Curves, height: int, width: int) -> FloatArray:
    """Curves as quasi-videos; the plane of a signal that is absent is zero."""
    absent = np.zeros_like(next(iter(curves.values())))
    series = np.stack([curves.get(name, absent) for name in SIGNALS], axis=1)
    return pack(series, height, width)
