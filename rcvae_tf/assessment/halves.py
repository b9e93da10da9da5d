"""Two halves of measured charges that are exchangeable: neighbours in age, dealt by a coin."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def exchangeable_halves(
    cell_ids: NDArray, ecl: NDArray, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Deals each cell's charges, in the order of age, in pairs: one to each half, by a coin.

    Both halves then have the same cells, as many charges of each, and like ages; nothing but the
    coin tells them apart. The last charge of a cell with an odd number is in neither.

    Args:
        cell_ids: Shape `(samples,)`.
        ecl: Age in cycles, shape `(samples,)`.
        rng: Throws the coin.

    Returns:
        Rows of the two halves; the charges at one place of both are a pair.
    """
    pairs = []
    for cell_id in np.unique(cell_ids):
        rows = np.flatnonzero(cell_ids == cell_id)
        ordered = rows[np.argsort(ecl[rows], kind="stable")]
        pairs.append(ordered[: len(ordered) // 2 * 2].reshape(-1, 2))
    dealt = rng.permuted(np.concatenate(pairs), axis=1)
    return dealt[:, 0], dealt[:, 1]
