"""Figs. 7 and S6: what the condition embedding has learned, in two dimensions."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.conditions import condition_distance
from rcvae_tf.embedding_matrix import EmbeddingMatrix
from rcvae_tf.report.labels import WIDTH_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 5000  # t-SNE of more takes minutes
FEWEST_ROWS = 4
PERPLEXITY = 30.0
# The paper gives no number.
NUM_CLUSTERS = 10
# Paul Tol's "muted": told apart with every kind of colour vision.
CLUSTER_COLOURS = (
    *("#332288", "#88CCEE", "#44AA99", "#117733", "#999933"),
    *("#DDCC77", "#CC6677", "#882255", "#AA4499", "#888888"),
)


def embedding_figure(matrix: EmbeddingMatrix, title: str, seed: int) -> "Figure":
    """t-SNE of the embedding in clusters, and the same points by EOL and by ECL.

    Each cluster bears its mean EOL, its mean ECL, and the distance (14) of these from the
    condition (0, 0). The paper names k nearest neighbours (KNN) for the clustering; that is a
    classifier and needs classes. What it describes is k-means, which is done here, on the two
    dimensions of t-SNE.

    Args:
        matrix: Of at least 4 conditions; of more than 5000, as many are drawn.
        title: Says of which run.
        seed: Of the rows drawn, of t-SNE and of k-means.

    Raises:
        SettingsError: Fewer conditions, or an embedding that has the same row for all.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    rows = _drawn_rows(len(matrix.embeddings), seed)
    points = tsne(matrix.embeddings[rows], seed)
    labels = matrix.labels[rows]
    x, y = points.T
    figure = Figure(figsize=(WIDTH_INCH, 6.4), layout="constrained")
    axes = figure.subplot_mosaic([["clusters", "eol"], ["clusters", "ecl"]], width_ratios=(2, 1))
    _draw_clusters(axes["clusters"], points, labels, matrix.condition_weight, seed)
    for key, column in (("eol", 0), ("ecl", 1)):
        image = axes[key].scatter(
            x, y, c=labels[:, column], s=_dot_size(len(points)) / 2, cmap="viridis", linewidths=0
        )
        bar = figure.colorbar(image, ax=axes[key], ticks=MaxNLocator(integer=True))
        bar.set_label(f"{key.upper()} / cycles", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    for axis in axes.values():
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_aspect("equal", adjustable="datalim")
    drawn = f"{len(rows)} of {len(matrix.embeddings)} conditions, drawn with seed {seed}"
    some = drawn if len(rows) < len(matrix.embeddings) else f"{len(rows)} conditions"
    figure.suptitle(f"{title}\nt-SNE of {some}", fontsize=10)
    return figure


def can_be_mapped(embeddings: FloatArray) -> bool:
    """Whether there are enough rows for t-SNE, and they differ."""
    return len(embeddings) >= FEWEST_ROWS and not np.all(embeddings == embeddings[0])


def tsne(embeddings: FloatArray, seed: int) -> FloatArray:
    """The rows in two dimensions, shape `(rows, 2)`.

    Raises:
        SettingsError: Too few rows, or all the same.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if not can_be_mapped(embeddings):
        raise SettingsError(
            f"t-SNE needs {FEWEST_ROWS} conditions whose embeddings differ. "
            f"Received: {len(embeddings)}, of which {len(np.unique(embeddings, axis=0))} differ."
        )
    reduction = TSNE(
        perplexity=min(PERPLEXITY, (len(embeddings) - 1) / 3),
        init="pca" if embeddings.shape[1] > 1 else "random",
        random_state=seed,
    )
    # On a machine at work its threads wait for each other longer than they work.
    with threadpool_limits(1):
        return np.asarray(reduction.fit_transform(embeddings.astype(np.float64)))


def clusters(points: FloatArray, seed: int) -> NDArray:
    """The number of each point's cluster, 0 and up, shape `(points,)`."""
    from sklearn.cluster import KMeans

    count = min(NUM_CLUSTERS, len(np.unique(points, axis=0)))
    return np.asarray(KMeans(count, n_init=10, random_state=seed).fit_predict(points))


def cluster_text(labels: NDArray, condition_weight: float) -> str:
    """Mean EOL, mean ECL and their distance (14) from (0, 0), a line each.

    Args:
        labels: EOL and ECL of the conditions of a cluster, shape `(conditions, 2)`.
        condition_weight: Of EOL in (14).
    """
    eol, ecl = labels.mean(axis=0)
    value = float(condition_distance(eol, ecl, 0.0, 0.0, condition_weight))
    return f"EOL {eol:.0f}\nECL {ecl:.0f}\n{value:.0f}"


def _drawn_rows(count: int, seed: int) -> NDArray:
    if count <= MOST_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_ROWS, replace=False))


def _dot_size(count: int) -> float:
    """The fewer, the larger: seen around a label, and apart in a crowd."""
    return min(max(8000 / count, 8.0), 60.0)


def _draw_clusters(
    axis: "Axes", points: FloatArray, labels: NDArray, condition_weight: float, seed: int
) -> None:
    member = clusters(points, seed)
    colours = np.array(CLUSTER_COLOURS)[member]
    axis.scatter(points[:, 0], points[:, 1], c=colours, s=_dot_size(len(points)), linewidths=0)
    for number in range(member.max() + 1):
        inside = member == number
        axis.annotate(
            cluster_text(labels[inside], condition_weight),
            points[inside].mean(axis=0),
            ha="center",
            va="center",
            fontsize=8,
            bbox={
                "boxstyle": "round",
                "facecolor": (1.0, 1.0, 1.0, 0.75),
                "edgecolor": CLUSTER_COLOURS[number],
                "linewidth": 1.5,
            },
        )
    axis.set_title(
        f"{member.max() + 1} clusters (k-means): mean EOL, mean ECL, "
        f"and (14) from (0, 0) with weight {condition_weight:g}",
        fontsize=9,
        loc="left",
    )
