"""What no charge does: whether curves keep to the limits that measured ones keep to."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data_prep.dataset_card import DatasetCard
from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves

VOLTAGE_MARGIN_V = 0.005
LOWEST_CURRENT_C_RATE = -0.02
# Share of the measured charges whose capacity is as near to the integral of the current.
INTEGRAL_QUANTILE = 0.99
# Two roundings of float32, in which curves are kept, are no fall.
ROUNDING = 2 * float(np.finfo(np.float32).eps)

CAPACITY_FALLS = "capacity_falls"
VOLTAGE_OUTSIDE = "voltage_outside"
CURRENT_NEGATIVE = "current_negative"
CAPACITY_NOT_INTEGRAL = "capacity_not_integral"
RULES = (CAPACITY_FALLS, VOLTAGE_OUTSIDE, CURRENT_NEGATIVE, CAPACITY_NOT_INTEGRAL)
ANY = "any"

Broken = dict[str, Any]  # of each an array of truth values, or None where it was not checked


@dataclass(frozen=True)
class PhysicsLimits:
    """Bounds of a curve; one beyond them breaks a rule.

    Args:
        lowest_voltage_v: The lowest voltage of the training curves, less 5 mV.
        highest_voltage_v: The highest voltage limit of the cells, and 5 mV; where the limit of a
            cell is unknown, the highest voltage of the training curves counts too.
        lowest_current_c_rate: A little below zero, for the noise of a rest.
        capacity_fall_ah: Fall between two points that is rounding.
        nominal_capacities_ah: Those of the cells and their median, ascending, each once.
        capacity_deviation: Largest distance of the charge capacity from the integral of the
            current, as a share of the nominal capacity, that 99 % of the training curves stay
            within; the coarser the grid, the larger. None where a nominal capacity is unknown.
    """

    lowest_voltage_v: float
    highest_voltage_v: float
    lowest_current_c_rate: float
    capacity_fall_ah: float
    nominal_capacities_ah: tuple[float, ...]
    capacity_deviation: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {**asdict(self), "nominal_capacities_ah": list(self.nominal_capacities_ah)}


def physics_limits(card: DatasetCard, train: SplitData) -> PhysicsLimits:
    """The limits of a data set.

    Args:
        card: Its card.
        train: The samples that a model was trained on.
    """
    voltage_v = train.curves["voltage_v"]
    limits_v = [cell["max_voltage_v"] for cell in card.cells.values()]
    known_v = [limit_v for limit_v in limits_v if limit_v is not None]
    if not known_v or len(known_v) < len(limits_v):
        known_v.append(float(voltage_v.max()))
    capacities_ah = {name: cell["nominal_capacity_ah"] for name, cell in card.cells.items()}
    choices_ah = [*capacities_ah.values()]
    # A model that is told of one capacity, whatever the cell, is told of the median.
    choices_ah += [float(np.median(choices_ah))] if choices_ah else []
    return PhysicsLimits(
        lowest_voltage_v=float(voltage_v.min()) - VOLTAGE_MARGIN_V,
        highest_voltage_v=max(known_v) + VOLTAGE_MARGIN_V,
        lowest_current_c_rate=LOWEST_CURRENT_C_RATE,
        capacity_fall_ah=ROUNDING * float(train.curves["charge_capacity_ah"].max()),
        nominal_capacities_ah=tuple(sorted(set(choices_ah))),
        capacity_deviation=_measured_deviation(train, capacities_ah),
    )


def violations(curves: Curves, limits: PhysicsLimits) -> dict[str, Any]:
    """How many curves there are, and the share of them that breaks each rule, and any.

    None for a rule that cannot be checked: see `broken_rules`.

    Args:
        curves: By signal, each of shape `(..., points)`.
        limits: Of the data set that they are generated from.
    """
    return shares(broken_rules(curves, limits))


def broken_rules(curves: Curves, limits: PhysicsLimits) -> Broken:
    """Which curves break which rule, each of shape `(...)`; `ANY` are those that break one.

    None for the integral of the current where there is no elapsed time (preset `paper`) or a
    nominal capacity is unknown.
    """
    voltage_v, current_c_rate = curves["voltage_v"], curves["current_c_rate"]
    falls_ah = -np.diff(curves["charge_capacity_ah"], axis=-1)
    within_v = (voltage_v >= limits.lowest_voltage_v) & (voltage_v <= limits.highest_voltage_v)
    # What is no number keeps to nothing, so the rules are asked for what is kept.
    kept = {
        CAPACITY_FALLS: np.all(falls_ah <= limits.capacity_fall_ah, axis=-1),
        VOLTAGE_OUTSIDE: np.all(within_v, axis=-1),
        CURRENT_NEGATIVE: np.all(current_c_rate >= limits.lowest_current_c_rate, axis=-1),
    }
    if limits.capacity_deviation is not None and "elapsed_time_s" in curves:
        deviation = _least_deviation(curves, limits.nominal_capacities_ah)
        kept[CAPACITY_NOT_INTEGRAL] = np.asarray(deviation <= limits.capacity_deviation)
    broken = {rule: ~kept[rule] if rule in kept else None for rule in RULES}
    return {**broken, ANY: ~np.all(list(kept.values()), axis=0)}


def shares(broken: Broken) -> dict[str, Any]:
    """As `violations`, from the curves that break each rule."""
    return {
        "curves": int(np.size(broken[ANY])),
        **{rule: None if each is None else float(np.mean(each)) for rule, each in broken.items()},
    }


def capacity_deviation(curves: Curves, nominal_capacity_ah: FloatArray | float) -> FloatArray:
    """Largest distance over the points of Qc - Qc(0) from the trapezoidal integral of the current.

    Args:
        curves: Capacity, current and elapsed time, each of shape `(..., points)`.
        nominal_capacity_ah: One for all, or one for each, shape `(...)`.

    Returns:
        Shape `(...)`, shares of the nominal capacity.
    """
    current_c_rate = np.asarray(curves["current_c_rate"], np.float64)
    hours = np.diff(np.asarray(curves["elapsed_time_s"], np.float64), axis=-1) / 3600
    integral = np.cumsum((current_c_rate[..., 1:] + current_c_rate[..., :-1]) / 2 * hours, axis=-1)
    capacity_ah = np.asarray(curves["charge_capacity_ah"], np.float64)
    moved_ah = capacity_ah[..., 1:] - capacity_ah[..., :1]
    moved = moved_ah / np.expand_dims(nominal_capacity_ah, -1)
    return np.abs(moved - integral).max(axis=-1)


def _measured_deviation(train: SplitData, capacities_ah: dict[str, float]) -> float | None:
    """The limit of `capacity_deviation`: each curve is measured on a cell that is known."""
    if not set(train.cell_ids.tolist()) <= set(capacities_ah):
        return None
    own_ah = np.array([capacities_ah[cell_id] for cell_id in train.cell_ids])
    return float(np.quantile(capacity_deviation(train.curves, own_ah), INTEGRAL_QUANTILE))


def _least_deviation(curves: Curves, nominal_capacities_ah: tuple[float, ...]) -> FloatArray:
    """A generated curve is of no known cell: its current may be in units of any cell's capacity.

    Where all cells have one nominal capacity, as is usual, that leaves no choice.
    """
    return np.min([capacity_deviation(curves, each) for each in nominal_capacities_ah], axis=0)
