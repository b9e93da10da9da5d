r"""Simulated charges and capacity fade against measured ones, as a table, JSON and a figure.

    python benchmarks/simulation.py --data DATA --output benchmarks/simulation.json \
        --figure docs/images/simulated_over_measured.png

Each of 15 cells of Attia et al. 2020 is simulated with its policy and its cycle life, and compared
at equal times. Six of them served to fit the model; tables and figure keep them apart. A cell's
capacity is no input of the simulator, which draws it; so every cell is simulated twice: as drawn,
and with its measured capacity, which shows the shape of the charge alone. The discharges are
compared with 37 cells of MATR batch 2.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from data_prep.simulation.catalogue import file_plans
from data_prep.simulation.cells import CellSpec, ageing_state
from data_prep.simulation.charging import Curves, Cycler
from data_prep.simulation.sensors import DISCHARGE_GRID_V, record

FITTED = ("attia_ch01", "attia_ch08", "attia_ch10", "attia_ch11", "attia_ch15", "attia_ch27")
CYCLES = (1, 2, 5, 50, 100)
FIGURE_CYCLES = (5, 500)
CUT_OFF_A = 1.1 / 20  # of the measured cells; the simulated ones go on to 1/50 C
SLOWEST_FAST_CHARGE_S = 900.0
# The integral of the measured current lies this much above the discharge capacity.
CHARGED_ABOVE_DISCHARGED_AH = 0.009
FADE_CYCLES = 300
CURVE_CYCLES = (10, 100)


class Charge(NamedTuple):
    """A measured charge; arrays of shape `(points,)`."""

    time_s: np.ndarray
    voltage_v: np.ndarray
    current_a: np.ndarray
    charged_ah: np.ndarray


def main() -> None:
    """Prints the tables; writes the JSON and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    cycler = Cycler()
    rows = list(charge_rows(arguments.data / "attia", cycler))
    results = {
        "charge": summaries(pd.DataFrame(rows)),
        "discharge": discharge_errors(arguments.data / "matr_b2.npz", cycler),
    }
    print(pd.DataFrame(results["charge"]).round(1).to_string(index=False))
    print(json.dumps(results["discharge"], indent=1))
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.figure:
        draw(arguments.data / "attia", cycler, arguments.figure)


def charge_rows(folder: Path, cycler: Cycler) -> Iterator[dict[str, Any]]:
    """The errors of every cell and cycle, with its drawn and with its measured capacity."""
    for facts in pd.read_csv(folder / "cells.csv").to_dict("records"):
        for capacity in ("drawn", "measured"):
            simulated = simulate_charges(folder, facts, cycler, CYCLES, capacity == "measured")
            for number, curves in zip(CYCLES, simulated, strict=True):
                measured = measured_charge(folder, facts["cell_id"], number)
                yield {
                    "policy": facts["charge_policy"],
                    "cell": facts["cell_id"],
                    "fitted": facts["cell_id"] in FITTED,
                    "capacity": capacity,
                    "cycle": number,
                    **errors(measured, curves),
                }


def simulate_charges(
    folder: Path,
    facts: dict[str, Any],
    cycler: Cycler,
    cycles: tuple[int, ...],
    measured_capacity: bool,
) -> list[Curves]:
    """Charges of a cell of the same policy and life; its spread is drawn from its number."""
    name = facts["cell_id"]
    seed = int(name.removeprefix("attia_ch"))
    spec = CellSpec(name, facts["charge_policy"], int(facts["eol_cycles"]), seed)
    state = ageing_state(spec, cycles)
    if measured_capacity:
        capacities = pd.read_csv(folder / f"{name}.capacity.csv", index_col="cycle")
        capacity_ah = capacities.loc[list(cycles), "discharge_capacity_ah"].to_numpy()
        capacity_ah = capacity_ah + CHARGED_ABOVE_DISCHARGED_AH
        state = dataclasses.replace(state, capacity_ah=capacity_ah)
    return [until_cut_off(curves) for curves in cycler.charges(spec, state)]


def until_cut_off(curves: Curves) -> Curves:
    """The part of a charge up to the cut-off of the measured cells."""
    below = (curves.current_a < CUT_OFF_A) & (curves.time_s > SLOWEST_FAST_CHARGE_S)
    end = int(np.argmax(below)) + 1 if below.any() else below.size
    return Curves(**{key: value[:end] for key, value in vars(curves).items()})


def measured_charge(folder: Path, cell: str, number: int) -> Charge:
    """A charge of a file in Battery Data Format."""
    frame = pd.read_parquet(
        folder / f"{cell}.bdf.parquet", filters=[("Cycle Count / 1", "==", number)]
    )
    time_s = frame["Test Time / s"].to_numpy(float)
    current_a = frame["Current / A"].to_numpy(float)
    moved = np.diff(time_s) * (current_a[1:] + current_a[:-1]) / 2 / 3600
    charged_ah = np.append(0.0, np.cumsum(moved))
    voltage_v = frame["Voltage / V"].to_numpy(float)
    return Charge(time_s - time_s[0], voltage_v, current_a, charged_ah)


def errors(measured: Charge, simulated: Curves) -> dict[str, float]:
    """At the measured times, as long as both charge."""
    both = measured.time_s <= simulated.time_s[-1]
    time_s = measured.time_s[both]

    def difference(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
        return np.interp(time_s, simulated.time_s, values) - reference[both]

    voltage_v = difference(simulated.voltage_v, measured.voltage_v)
    charged_ah = difference(simulated.moved_ah, measured.charged_ah)
    current_a = difference(simulated.current_a, measured.current_a)
    return {
        "voltage_rmse_mv": 1e3 * float(np.sqrt(np.mean(voltage_v**2))),
        "voltage_bias_mv": 1e3 * float(np.mean(voltage_v)),
        "charged_rmse_mah": 1e3 * float(np.sqrt(np.mean(charged_ah**2))),
        "current_mae_ma": 1e3 * float(np.mean(np.abs(current_a))),
        "measured_min": float(measured.time_s[-1] / 60),
        "simulated_min": float(simulated.time_s[-1] / 60),
    }


def summaries(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Medians over cells: by cycle for cells seen and not seen in the fit, and by policy."""
    numbers = ["voltage_rmse_mv", "voltage_bias_mv", "charged_rmse_mah", "current_mae_ma"]
    numbers += ["measured_min", "simulated_min"]
    by_cycle = rows.groupby(["capacity", "fitted", "cycle"])[numbers].median().reset_index()
    unseen = rows[~rows["fitted"]]
    by_policy = unseen.groupby(["capacity", "policy", "cycle"])[numbers].median().reset_index()
    by_cycle["policy"], by_policy["fitted"] = "all", False
    return pd.concat([by_cycle, by_policy]).to_dict("records")


def discharge_errors(path: Path, cycler: Cycler) -> dict[str, Any]:
    """Capacity fade and discharge curves against cells of the same policy and life."""
    specs = {f"b2c{k}": spec for k, spec in enumerate(file_plans(124, seed=0)[1].cells)}
    fade: dict[int, list[float]] = {10: [], 100: [], FADE_CYCLES: []}
    whole, curve_ah = [], []
    with np.load(path) as measured:
        for name in sorted({key.split("/")[0] for key in measured.files}):
            cycles = measured[f"{name}/Current_cycle"].astype(int)
            cycles = cycles[cycles <= specs[name].last_cycle]
            capacity_ah = ageing_state(specs[name], cycles).capacity_ah
            difference = capacity_ah - measured[f"{name}/QD"][: cycles.size]
            whole.append(float(np.sqrt(np.mean(difference**2))))
            for last, values in fade.items():
                if last in cycles:
                    values.append(float(difference[cycles == last][0]))
            curve_ah += [
                curve_error_ah(cycler, specs[name], number, measured[f"{name}/Qdlin"][number - 1])
                for number in CURVE_CYCLES
            ]
    return {
        "cells": len(whole),
        "capacity_rmse_mah": 1e3 * float(np.median(whole)),
        "capacity_bias_mah": {str(n): 1e3 * float(np.median(v)) for n, v in fade.items()},
        "curve_rmse_mah": 1e3 * float(np.median(curve_ah)),
    }


def curve_error_ah(cycler: Cycler, spec: CellSpec, number: int, measured_ah: np.ndarray) -> float:
    """RMSE of the capacity discharged over voltage, shapes scaled to the same capacity."""
    (cycle,) = cycler.run(spec, [number])
    voltage_v = np.linspace(DISCHARGE_GRID_V[0], DISCHARGE_GRID_V[-1], measured_ah.size)
    grid_ah = record(spec, cycle, 0.0).grid_discharge_ah
    simulated_ah = np.interp(-voltage_v, -DISCHARGE_GRID_V, grid_ah)
    scaled_ah = simulated_ah * measured_ah[-1] / simulated_ah[-1]
    return float(np.sqrt(np.mean((scaled_ah - measured_ah) ** 2)))


def draw(folder: Path, cycler: Cycler, path: Path) -> None:
    """One column a policy; voltage, current and charge of an early and a late cycle."""
    cells = pd.read_csv(folder / "cells.csv")
    unseen = cells[~cells["cell_id"].isin(FITTED)].groupby("charge_policy").first().reset_index()
    figure, axes = plt.subplots(
        3, len(unseen), figsize=(11, 7.5), sharex=True, sharey="row", layout="constrained"
    )
    for column, facts in zip(axes.T, unseen.to_dict("records"), strict=True):
        simulated = simulate_charges(folder, facts, cycler, FIGURE_CYCLES, True)
        text = []
        for number, curves, colour in zip(FIGURE_CYCLES, simulated, ("C0", "C3"), strict=True):
            measured = measured_charge(folder, facts["cell_id"], number)
            draw_charge(column, measured, curves, f"cycle {number}", colour)
            error_mv = errors(measured, curves)["voltage_rmse_mv"]
            text.append(f"cycle {number}: voltage RMSE {error_mv:.1f} mV")
        fast, _, _ = facts["charge_policy"].rpartition("-")
        column[0].set_title(f"{fast}\n{facts['cell_id']}", fontsize=9)
        column[0].text(0.97, 0.05, "\n".join(text), transform=column[0].transAxes, ha="right")
        column[2].set_xlabel("time / min")
    for row, label in zip(axes, ("voltage / V", "current / A", "charge / Ah"), strict=True):
        row[0].set_ylabel(label)
    axes[0, 0].set_ylim(2.95, 3.65)
    axes[1, 0].legend(loc="upper right", fontsize=8)
    figure.suptitle("simulated charges (lines) over measured ones (points), cells not fitted to")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def draw_charge(
    column: np.ndarray, measured: Charge, curves: Curves, label: str, colour: str
) -> None:
    """A measured charge as points and a simulated one as lines, in three rows of axes."""
    for axis, points, line in zip(
        column,
        (measured.voltage_v, measured.current_a, measured.charged_ah),
        (curves.voltage_v, curves.current_a, curves.moved_ah),
        strict=True,
    ):
        axis.plot(measured.time_s / 60, points, ".", markersize=3.5, color=colour, alpha=0.5)
        axis.plot(curves.time_s / 60, line, color=colour, linewidth=1.2, label=label)


if __name__ == "__main__":
    main()
