"""Repairs generated charges where they break physics, and says by how much.

A charge is changed as little as keeps it within the limits: voltage and current are clipped, the
charge capacity becomes the nearest series that never falls and stays by the integral of the
current.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import isotonic_regression

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run

SECONDS_PER_HOUR = 3600.0
# How far the charge capacity may lie from the integral of the current over the points, where the
# run has not measured it, as a multiple of what a point stands for: the nominal capacity over their
# number. A current that steps between two points keeps half of measured charges within 0.44 and 99
# of 100 within 0.53 (Attia et al. 2020, 256 points).
INTEGRAL_TOLERANCE = 0.5
# Shares of the largest value of a signal below which a change is one of rounding, and not counted.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Limits:
    """What bounds a charge.

    Args:
        voltage_v: Lowest and highest voltage of the training data.
        nominal_capacity_ah: 1 C is this number in A; None where the run does not know it.
        capacity_tolerance_ah: How far the charge capacity may lie from the integral of the
            current; None likewise.
    """

    voltage_v: tuple[float, float]
    nominal_capacity_ah: float | None
    capacity_tolerance_ah: float | None


@dataclass(frozen=True)
class SignalChange:
    """What the repair did to one signal.

    Args:
        charges: How many were changed.
        largest: Largest change of a point, in the unit of the signal.
        mean: Mean change over the points of the charges that were changed.
    """

    charges: int
    largest: float
    mean: float


@dataclass(frozen=True)
class ProjectionReport:
    """What the repair did.

    Args:
        changed: Charges that were changed by more than rounding, shape `(samples,)`.
        signals: By the name of each signal that was changed.
        integral_left_alone: Why the charge capacity was not held to the integral of the current;
            empty where it was.
    """

    changed: NDArray[np.bool_]
    signals: dict[str, SignalChange]
    integral_left_alone: str


@dataclass
class ProjectionTally:
    """What the repair did to the blocks of a data set, added up.

    Args:
        charges: How many were looked at.
        changed: How many of them were changed.
        signals: As those of a `ProjectionReport`.
        integral_left_alone: Likewise.
    """

    charges: int = 0
    changed: int = 0
    signals: dict[str, SignalChange] = field(default_factory=dict)
    integral_left_alone: str = ""

    def add(self, report: ProjectionReport) -> None:
        """Takes up what was done to one block."""
        self.charges += report.changed.size
        self.changed += int(report.changed.sum())
        self.integral_left_alone = report.integral_left_alone
        for name, new in report.signals.items():
            old = self.signals.get(name, SignalChange(0, 0.0, 0.0))
            charges = old.charges + new.charges
            mean = (old.charges * old.mean + new.charges * new.mean) / charges
            self.signals[name] = SignalChange(charges, max(old.largest, new.largest), mean)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def limits_of(run: Run) -> Limits:
    """The limits that a run knows from its training data."""
    facts = run.model.data_facts
    voltage = facts["statistics"]["voltage_v"]
    nominal_ah = facts.get("nominal_capacity_ah")
    tolerance_ah = facts.get("canvas", {}).get("capacity_tolerance_ah")
    if nominal_ah is not None and tolerance_ah is None:
        tolerance_ah = INTEGRAL_TOLERANCE * nominal_ah / (facts["height"] * facts["width"])
    return Limits((voltage["minimum"], voltage["maximum"]), nominal_ah, tolerance_ah)


def project(curves: Curves, limits: Limits) -> tuple[Curves, ProjectionReport]:
    """Charges that keep to physics, and what had to be changed for it.

    Args:
        curves: By signal, each of shape `(samples, points)`.
        limits: What bounds them.

    Returns:
        The curves, of which those that kept to physics are as they were, and the report.
    """
    voltage_v = np.clip(curves["voltage_v"], *limits.voltage_v)
    current_c_rate = np.maximum(curves["current_c_rate"], 0.0)
    capacity_ah = _never_falling(curves["charge_capacity_ah"])
    left_alone = _why_left_alone(curves, limits)
    nominal_ah, tolerance_ah = limits.nominal_capacity_ah, limits.capacity_tolerance_ah
    if nominal_ah is not None and tolerance_ah is not None and not left_alone:
        moved_ah = nominal_ah * _integral_h(current_c_rate, curves)
        capacity_ah = _held_to(capacity_ah, moved_ah, tolerance_ah)
    projected = {
        **curves,
        "voltage_v": voltage_v,
        "current_c_rate": current_c_rate,
        "charge_capacity_ah": capacity_ah,
    }
    projected = {name: values.astype(curves[name].dtype) for name, values in projected.items()}
    return projected, _report(curves, projected, left_alone)


def _never_falling(capacity_ah: FloatArray) -> FloatArray:
    """The nearest series that never falls, by least squares."""
    repaired = capacity_ah.astype(np.float64)
    for row in np.flatnonzero(np.any(np.diff(capacity_ah, axis=1) < 0, axis=1)):
        repaired[row] = isotonic_regression(repaired[row]).x
    return repaired


def _integral_h(current_c_rate: FloatArray, curves: Curves) -> FloatArray:
    """Integral of the current from the first point on, in hours at 1 C."""
    hours = curves["elapsed_time_s"].astype(np.float64) / SECONDS_PER_HOUR
    return cumulative_trapezoid(current_c_rate.astype(np.float64), hours, axis=1, initial=0)


def _held_to(capacity_ah: FloatArray, moved_ah: FloatArray, tolerance_ah: float) -> FloatArray:
    """Within the tolerance of what the current moved, from its first point on.

    Neither the capacity nor its bounds fall, so what is clipped does not fall either.
    """
    expected_ah = capacity_ah[:, :1] + moved_ah
    return np.clip(capacity_ah, expected_ah - tolerance_ah, expected_ah + tolerance_ah)


def _why_left_alone(curves: Curves, limits: Limits) -> str:
    if "elapsed_time_s" not in curves:
        return "the run generates no time"
    return "" if limits.nominal_capacity_ah else "the run does not know the nominal capacity"


def _report(before: Curves, after: Curves, left_alone: str) -> ProjectionReport:
    changes = {name: np.abs(np.subtract(after[name], before[name])) for name in after}
    changed = {
        name: np.any(change > ROUNDING * np.abs(before[name]).max(), axis=1)
        for name, change in changes.items()
    }
    return ProjectionReport(
        changed=np.any(list(changed.values()), axis=0),
        signals={
            name: SignalChange(
                charges=int(rows.sum()),
                largest=float(changes[name].max()),
                mean=float(changes[name][rows].mean()),
            )
            for name, rows in changed.items()
            if rows.any()
        },
        integral_left_alone=left_alone,
    )
