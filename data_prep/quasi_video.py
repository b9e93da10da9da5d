"""The quasi-video: series laid row by row into frames, `(channel, depth, height, width)`.

Depth 0 is an RGB-like frame of voltage, current and temperature; depth 1 is a grey frame, the
charge capacity on all three channels; depth 2 is a grey frame of the elapsed time. The paper
uses the first two.
"""

import numpy as np

from data_prep.records import SIGNALS, FloatArray

NUM_CHANNELS = 3
DEPTH = 3
# PLANES[channel][depth] is the row of SIGNALS that fills that frame.
PLANES = tuple((channel, 3, 4) for channel in range(NUM_CHANNELS))


def pack(curves: FloatArray, height: int, width: int) -> FloatArray:
    """Series to quasi-video.

    Args:
        curves: Shape `(..., len(SIGNALS), height * width)`.
        height: Rows of a frame.
        width: Columns of a frame.

    Returns:
        Shape `(..., NUM_CHANNELS, DEPTH, height, width)`, same type.
    """
    planes = curves[..., np.array(PLANES), :]
    return planes.reshape(*curves.shape[:-2], NUM_CHANNELS, DEPTH, height, width)


def unpack(quasi_video: FloatArray) -> FloatArray:
    """Quasi-video to series; a grey frame gives the mean of its three channels.

    Args:
        quasi_video: Shape `(..., NUM_CHANNELS, depth, height, width)`, depth 2 or 3.

    Returns:
        Shape `(..., signals, height * width)`: the first 4 of `SIGNALS`, or all 5.
    """
    *batch, _, depth, height, width = quasi_video.shape
    flat = quasi_video.reshape(*batch, NUM_CHANNELS, depth, height * width)
    grey = flat[..., 1:, :].mean(axis=-3)
    return np.concatenate([flat[..., 0, :], grey], axis=-2)


def first_planes(quasi_video: FloatArray) -> FloatArray:
    """Series of measured quasi-videos to the last bit: one plane of each, and no mean.

    Args:
        quasi_video: Shape `(..., NUM_CHANNELS, DEPTH, height, width)`.

    Returns:
        Shape `(..., len(SIGNALS), height * width)`.
    """
    planes = np.array(PLANES)
    places = [np.argwhere(planes == row)[0] for row in range(len(SIGNALS))]
    flat = quasi_video.reshape(*quasi_video.shape[:-2], -1)
    return np.stack([flat[..., channel, depth, :] for channel, depth in places], axis=-2)


def plane_signals(depth: int) -> tuple[tuple[str, ...], ...]:
    """The signal of every plane, `[channel][depth]`, for the first `depth` depths."""
    return tuple(tuple(SIGNALS[row] for row in rows[:depth]) for rows in PLANES)
