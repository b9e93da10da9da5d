"""From a canvas to a charge that keeps the laws of charging: limits, and capacity from current."""

from typing import Any

import keras
import numpy as np
from keras import ops

from rcvae_tf.model.canvas import Canvas, Location
from rcvae_tf.model.layers import PACKAGE
from rcvae_tf.model.losses import Tensor

SIGNALS_ON_CANVAS = ("voltage_v", "current_c_rate", "temperature_degc")
CAPACITY = "charge_capacity_ah"
# What an error of 1 is in the loss, by signal: about the spread between charges of real cells.
SIGNAL_SCALE = {
    "voltage_v": 0.05,
    "current_c_rate": 0.8,
    "temperature_degc": 1.0,
    CAPACITY: 0.05,
}
MINUTES_PER_HOUR = 60.0
VOLTAGE, CURRENT, TEMPERATURE = 0, 1, 2


@keras.saving.register_keras_serializable(PACKAGE)
class Charge(keras.layers.Layer):
    """Physical curves of a scaled canvas.

    The current is never negative, the voltage stays within its limits. The charge capacity is the
    integral of the current between the knots, which never falls, and no further from the trapezoid
    sum over the points of the sample than measured curves are.

    Args:
        signals: Those of `SIGNALS_ON_CANVAS` that are present; voltage and current always are.
        offset: Physical value of 0 on the canvas, by signal.
        voltage_limits_v: Lowest and highest voltage.
        nominal_capacity_ah: 1 C in A.
        capacity_tolerance_ah: How far the capacity may be from the trapezoid sum.
    """

    def __init__(
        self,
        signals: tuple[str, ...],
        offset: list[float],
        voltage_limits_v: tuple[float, float],
        nominal_capacity_ah: float,
        capacity_tolerance_ah: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.signals = tuple(signals)
        self.offset = np.asarray(offset, np.float32)[None, :, None]
        self.scale = np.array([SIGNAL_SCALE[n] for n in self.signals], np.float32)[None, :, None]
        self.voltage_limits_v = tuple(voltage_limits_v)
        self.nominal_capacity_ah = nominal_capacity_ah
        self.capacity_tolerance_ah = capacity_tolerance_ah

    def within_limits(self, scaled: Tensor) -> Tensor:
        """Physical values of the canvas's signals, limited; same shape `(batch, signals, ...)`.

        The gradient passes as if there were no limits: else a value beyond one would stay there.
        """
        free = scaled * self.scale + self.offset
        limited = [
            ops.clip(free[:, VOLTAGE], *self.voltage_limits_v),
            ops.maximum(free[:, CURRENT], 0.0),
            *(free[:, k] for k in range(2, len(self.signals))),
        ]
        return free + ops.stop_gradient(ops.stack(limited, axis=1) - free)

    def scaled(self, physical: Tensor) -> Tensor:
        """Physical values of the canvas's signals as the canvas holds them, same shape."""
        return (physical - self.offset) / self.scale

    def integral_at_knots(
        self, scaled: Tensor, charge_share: Tensor, knot_minutes: Tensor
    ) -> Tensor:
        """Charge capacity at the knots in Ah, shape `(batch, knots)`.

        Args:
            scaled: The canvas, shape `(batch, signals, knots)`.
            charge_share: Correction to the current that counts, for what happens between the
                points of a sample; `(batch, knots)`, 0 for none.
            knot_minutes: Time of every knot, `(batch, knots)`.
        """
        current_c_rate = ops.maximum(
            scaled[:, CURRENT] * self.scale[0, CURRENT] + self.offset[0, CURRENT], 0.0
        )
        current_a = current_c_rate * ops.maximum(1.0 + charge_share, 0.0) * self.nominal_capacity_ah
        hours = (knot_minutes[:, 1:] - knot_minutes[:, :-1]) / MINUTES_PER_HOUR
        return _running_integral(current_a, hours)

    def call(self, scaled: Tensor, integral_ah: Tensor, duration_min: Tensor) -> Tensor:
        """All signals on the points of a sample.

        Args:
            scaled: Signals of the canvas read on the points, shape `(batch, signals, points)`.
            integral_ah: The integral at the knots, read on the points, `(batch, points)`.
            duration_min: Shape `(batch,)`.

        Returns:
            Physical units, shape `(batch, signals + 1, points)`; the last one is the capacity.
        """
        physical = self.within_limits(scaled)
        num_intervals = scaled.shape[-1] - 1
        hours = duration_min[:, None] / MINUTES_PER_HOUR / num_intervals
        on_grid_ah = _running_integral(physical[:, CURRENT] * self.nominal_capacity_ah, hours)
        # A bound on either side that never falls keeps what never falls from falling.
        capacity_ah = ops.minimum(
            ops.maximum(integral_ah, on_grid_ah - self.capacity_tolerance_ah),
            on_grid_ah + self.capacity_tolerance_ah,
        )
        return ops.concatenate([physical, capacity_ah[:, None]], axis=1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "signals": list(self.signals),
            "offset": self.offset.ravel().tolist(),
            "voltage_limits_v": list(self.voltage_limits_v),
            "nominal_capacity_ah": self.nominal_capacity_ah,
            "capacity_tolerance_ah": self.capacity_tolerance_ah,
        }


def _running_integral(current_a: Tensor, hours: Tensor) -> Tensor:
    """Trapezoid sum from the first column on, shape of `current_a`."""
    added = 0.5 * (current_a[:, 1:] + current_a[:, :-1]) * hours
    return ops.concatenate([ops.zeros_like(added[:, :1]), ops.cumsum(added, axis=1)], axis=1)


def never_falling(capacity_ah: Tensor) -> Tensor:
    """What falls stays as it is until it rises again; shape `(batch, points)`."""
    risen = ops.maximum(capacity_ah[:, 1:] - capacity_ah[:, :-1], 0.0)
    return ops.cumsum(ops.concatenate([ops.maximum(capacity_ah[:, :1], 0.0), risen], 1), axis=1)


def read_on_points(canvas: Canvas, rows: list[Tensor], location: Location) -> list[Tensor]:
    """Several stacks of curves read from the canvas at once.

    Args:
        canvas: The canvas.
        rows: Each of shape `(batch, channels, knots)`.
        location: Where the points lie.

    Returns:
        Each of shape `(batch, channels, points)`.
    """
    read = canvas.read(ops.concatenate(rows, axis=1), location)
    ends = np.cumsum([row.shape[1] for row in rows])
    return [read[:, end - row.shape[1] : end] for row, end in zip(rows, ends, strict=True)]
