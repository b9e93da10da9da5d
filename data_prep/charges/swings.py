"""Where a cell is charged and where discharged, told from its current; pulses left aside."""

from typing import NamedTuple

import numpy as np

from data_prep.records import FloatArray

# Above the offset of a resting channel (NASA: up to 5 mA of 2 Ah), below every cut-off current
# of a constant-voltage stage (MATR: 0.02 C).
CHARGING_C_RATE = 0.005
# A discharge that takes less than this share of the nominal capacity back is a pulse or the
# leftover sample of an earlier discharge, and does not end a charge.
PULSE_SHARE = 0.02
# A lone sample may stand for anything from nothing to its whole interval. A pulse of MATR, 3.6 C
# amid samples 60 s apart, would come to 0.06 of the capacity; a discharge of which a thinned
# record keeps one sample comes to most of it.
LONE_SAMPLE_SHARE = 0.2


class Swing(NamedTuple):
    """Samples from `start` up to `stop`, in which the cell is charged or discharged."""

    start: int
    stop: int
    charging: bool


class _Run(NamedTuple):
    """Samples in a row whose current has one direction, and the share of capacity it moves."""

    start: int
    stop: int
    moved: float


def find_swings(time_s: FloatArray, current_c_rate: FloatArray) -> list[Swing]:
    """The charges and discharges of at least `PULSE_SHARE`, in turns.

    A charge goes on through rests and pulses until `PULSE_SHARE` of the capacity is taken back
    from its highest point, by one run of samples or by many; a discharge likewise. So a discharge
    in pulses is one discharge, and a regenerative pulse does not end it.

    Args:
        time_s: Shape `(points,)`; where it steps back, nothing is moved.
        current_c_rate: Shape `(points,)`; positive while charging.
    """
    runs = _runs(time_s, current_c_rate)
    levels = np.cumsum([0.0, *(run.moved for run in runs)])
    turns = _turning_points(levels.tolist())
    return [
        Swing(runs[first].start, runs[after - 1].stop, bool(levels[after] > levels[first]))
        for first, after in zip(turns, turns[1:], strict=False)
    ]


def _runs(time_s: FloatArray, current_c_rate: FloatArray) -> list[_Run]:
    """The runs of current in one direction, in order; rests lie between them."""
    current = np.where(np.abs(current_c_rate) > CHARGING_C_RATE, current_c_rate, 0.0)
    steps_s = np.maximum(np.diff(time_s), 0.0)
    moved = np.concatenate([[0.0], np.cumsum((current[1:] + current[:-1]) / 2 * steps_s / 3600.0)])
    edges = [0, *(np.flatnonzero(np.diff(np.sign(current))) + 1), current.size]
    runs = []
    for start, stop in zip(edges, edges[1:], strict=False):
        if stop - start > 1:
            share = float(moved[stop - 1] - moved[start])
        elif stop - start == 1:
            interval_s = steps_s[max(start - 1, 0) : start + 1].sum() / 2
            share = float(current[start] * interval_s / 3600.0)
            share = share if abs(share) >= LONE_SAMPLE_SHARE else 0.0
        if stop > start and current[start] != 0:
            runs.append(_Run(int(start), int(stop), share))
    return runs


def _turning_points(levels: list[float]) -> list[int]:
    """Where the level turns by at least `PULSE_SHARE`, and where it last was highest or lowest."""
    turns: list[int] = []
    lowest = highest = 0
    rising: bool | None = None
    for index, level in enumerate(levels):
        if level > levels[highest]:
            highest = index
        if level < levels[lowest]:
            lowest = index
        if rising is not True and level - levels[lowest] >= PULSE_SHARE:
            turns, rising, highest = [*turns, lowest], True, index
        elif rising is not False and levels[highest] - level >= PULSE_SHARE:
            turns, rising, lowest = [*turns, highest], False, index
    return turns if rising is None else [*turns, highest if rising else lowest]
