"""Generated sets in blocks, of which every number is known."""

from contextlib import suppress

import numpy as np

from rcvae_tf.generation.charges import ChargeBlock, SetFacts

POLICY = "5.4C(40%)-3.6C"
NOMINAL_CAPACITY_AH = 1.1


def generated_curves(labels, draws, points, temperature):
    """Two stages of current, the second a taper; capacity is the integral of the current."""
    labels, share = np.asarray(labels, float), np.linspace(0.0, 1.0, points)
    duration_s = 1800.0 + labels[:, :1] / 7.0 + np.asarray(draws)[:, None] * 3.0
    first = 3.0 - labels[:, 1:] / 1000.0
    current = np.where(share < 0.4, first, 1.5 * (1.02 - share))
    steps = (current[:, 1:] + current[:, :-1]) / 2 * duration_s / (points - 1) / 3600.0
    capacity = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1) * NOMINAL_CAPACITY_AH
    curves = {
        "voltage_v": 2.9 + 0.7 * share**0.3 + 0.0 * duration_s,
        "current_c_rate": current,
        "temperature_degc": 30.0 + 5.0 * share * first,
        "charge_capacity_ah": capacity,
        "elapsed_time_s": duration_s * share,
    }
    if not temperature:
        del curves["temperature_degc"]
    return {name: values.astype(np.float32) for name, values in curves.items()}


def generated_set(
    cells=((500, 1), (500, 2), (800, 1)),
    ecl=(1, 2, 3),
    grid=(16, 16),
    temperature=False,
    block=4,
    policy=POLICY,
    **facts,
):
    """Facts and blocks of a set in which every cell, an EOL and a draw, has the same ECL.

    The last charge of each cell is outside the support, the first one is projected.
    """
    rows = [(eol, number, draw) for eol, draw in cells for number in ecl]
    labels = np.array([row[:2] for row in rows])
    draws = np.array([row[2] for row in rows])
    ids = [f"synthetic_eol{eol}_{draw}" for eol, _, draw in rows]
    curves = generated_curves(labels, draws, grid[0] * grid[1], temperature)
    in_support, projected = labels[:, 1] != max(ecl), labels[:, 1] == min(ecl)
    known = {"nominal_capacity_ah": NOMINAL_CAPACITY_AH, "max_voltage_v": 3.6} | facts
    blocks = [
        ChargeBlock(
            labels[part],
            draws[part],
            ids[part],
            [policy] * len(ids[part]),
            in_support[part],
            projected[part],
            {name: values[part] for name, values in curves.items()},
        )
        for part in (slice(start, start + block) for start in range(0, len(rows), block))
    ]
    provenance = {"seed": 7, "cells": {}}
    return SetFacts(
        tuple(curves),
        *grid,
        num_charges=len(rows),
        num_cells=len(cells),
        provenance=provenance,
        **known,
    ), blocks


def whole(blocks):
    """All blocks as arrays: labels, ids and curves."""
    curves = {
        name: np.concatenate([block.curves[name] for block in blocks]) for name in blocks[0].curves
    }
    ids = [cell_id for block in blocks for cell_id in block.cell_ids]
    return np.concatenate([block.labels for block in blocks]), ids, curves


def write_set(entry, folder, facts, blocks, name="set"):
    """A set in a format; the path of what was written, and the files as the writer names them."""
    path = folder / f"{name}{entry.suffix}"
    if entry.is_folder:
        path.mkdir()
    return path, write_set_at(path, entry, facts, blocks)


def write_set_at(path, entry, facts, blocks):
    """As `write_set`, to a place that is there; what is open is closed where it fails."""
    writer = entry.open(path, facts)
    try:
        for block in blocks:
            writer.add(block)
        return writer.close()
    except OSError:
        with suppress(OSError):
            writer.discard()
        raise
