"""What the decoder of the canvas generator says becomes signals on the canvas, and their spread."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from rcvae_tf.model.canvas import Canvas
from rcvae_tf.model.canvas_networks import LEAST_LOG_SPREAD, TAKEOVER_MIN, TAKEOVER_WIDTH_MIN
from rcvae_tf.model.charge import CURRENT, SIGNAL_SCALE, TEMPERATURE
from rcvae_tf.model.losses import Tensor
from rcvae_tf.model.policy import fast_steps, step_rates
from rcvae_tf.model.warmth import TIME_CONSTANTS_MIN, warmth

SPREAD_PACE = 3.0
MOST_LOG_GROWTH = float(np.log(3.0))

# Curves and log spreads of a network, both flat, as `CurveHeads` gives them.
Said = tuple[Tensor, Tensor]


class Drawing(NamedTuple):
    """What the decoder draws on the canvas.

    Args:
        scaled: The signals, shape `(batch, signals, knots)`.
        charge_share: Correction to the current that counts, `(batch, knots)`.
        log_spread: Of points around the signals, `(batch, signals, knots)`.
    """

    scaled: Tensor
    charge_share: Tensor
    log_spread: Tensor


class _Parts(NamedTuple):
    """Curves and the correction to the charge, log spreads, factors of the warmth."""

    curves: Tensor
    log_spreads: Tensor
    factors: Tensor


class Drawer:
    """Draws around the mean of the training charges, with what the policy says at once.

    Args:
        canvas: The canvas.
        facts: What `training.canvas_facts` measured.
    """

    def __init__(self, canvas: Canvas, facts: dict[str, Any]) -> None:
        self.canvas = canvas
        self.signals = tuple(facts["signals"])
        self.num_warmths = len(TIME_CONSTANTS_MIN) if "warmth_mean" in facts else 0
        self.mean_canvas = np.asarray(facts["mean_canvas"], np.float32)
        self.first_log_spread = np.asarray(facts["log_spread"], np.float32)
        self.mean_rate = np.asarray(facts["mean_rate"], np.float32)
        if self.num_warmths:
            self.warmth_mean = np.asarray(facts["warmth_mean"], np.float32)
            self.warmth_spread = np.asarray(facts["warmth_spread"], np.float32)[:, None]
        in_tail = 1.0 / (1.0 + np.exp(-(canvas.tail_minutes - TAKEOVER_MIN) / TAKEOVER_WIDTH_MIN))
        # The temperature knows the policy by its warmth alone, and that all the time.
        is_warm = [[float(name == "temperature_degc")] for name in (*self.signals, "")]
        self.tail_share = np.maximum(in_tail[None], is_warm).astype(np.float32)

    @property
    def num_outputs(self) -> tuple[int, int]:
        """Numbers that a network says of curves, and of log spreads."""
        num_signals, num_knots = len(self.signals), self.canvas.num_knots
        return (num_signals + 1) * num_knots + self.num_warmths, num_signals * num_knots

    def __call__(
        self, said: Said, of_tail: Said | None, log_spread: Tensor, policy_steps: Tensor
    ) -> Drawing:
        """What lies on the canvas.

        Args:
            said: By the decoder.
            of_tail: By the tail's own decoder, where there is one.
            log_spread: The weight that all charges share, `(signals, knots)`.
            policy_steps: Shape `(batch, MAX_STEPS, 2)`.
        """
        curves, log_spreads, factors = self._parts(said)
        if of_tail is not None:
            tail = self._parts(of_tail)
            curves = curves + self.tail_share * (tail.curves - curves)
            share = self.tail_share[: len(self.signals)]
            log_spreads = log_spreads + share * (tail.log_spreads - log_spreads)
            factors = tail.factors
        return Drawing(
            curves[:, :-1] + self.mean_canvas + self._of_policy(policy_steps, factors),
            curves[:, -1],
            self.spread(log_spread, log_spreads),
        )

    def spread(self, log_spread: Tensor, log_spreads: Tensor) -> Tensor:
        """Log spread of points, from where it starts; it moves faster than other weights do."""
        learned = self.first_log_spread + SPREAD_PACE * (log_spread + log_spreads)
        # A z that is rarely drawn must not make points jump further than charges differ.
        most = self.first_log_spread + MOST_LOG_GROWTH
        limited = ops.maximum(ops.minimum(learned, most), LEAST_LOG_SPREAD)
        return learned + ops.stop_gradient(limited - learned)

    def step_minutes(self, policy_steps: Tensor) -> Tensor:
        """Nominal minutes of each step of the fast charge; 0 where no policy is given."""
        steps = self.canvas.num_fast_steps
        if not steps:
            return ops.zeros_like(policy_steps[:, :1, 0])
        return fast_steps(policy_steps, steps)[1]

    def knot_minutes(self, policy_steps: Tensor) -> Tensor:
        """Time of every knot, shape `(batch, knots)`."""
        return self.canvas.knot_minutes(self.step_minutes(policy_steps))

    def _parts(self, said: Said) -> _Parts:
        curves, log_spreads = said
        knots, num_signals = self.canvas.num_knots, len(self.signals)
        num_curves = (num_signals + 1) * knots
        return _Parts(
            ops.reshape(curves[:, :num_curves], (-1, num_signals + 1, knots)),
            ops.reshape(log_spreads, (-1, num_signals, knots)),
            curves[:, num_curves:],
        )

    def _of_policy(self, policy_steps: Tensor, factors: Tensor) -> Tensor:
        """How a policy's current and temperature differ from the mean over policies."""
        if not self.canvas.num_fast_steps:
            return 0.0
        rows = [ops.zeros_like(policy_steps[:, :1, 0])] * len(self.signals)
        rows[CURRENT] = self._policy_current(policy_steps)
        if self.num_warmths:
            minutes = self.knot_minutes(policy_steps)
            warm = warmth(policy_steps, self.canvas.num_fast_steps, minutes)
            warm = (warm - self.warmth_mean) / self.warmth_spread
            rows[TEMPERATURE] = ops.sum(factors[:, :, None] * warm, axis=1)
        knots = (ops.shape(policy_steps)[0], self.canvas.num_knots)
        return ops.stack([ops.broadcast_to(row, knots) for row in rows], axis=1)

    def _policy_current(self, policy_steps: Tensor) -> Tensor:
        """Scaled difference of the rates before the end of the fast charge, `(batch, knots)`."""
        rates = step_rates(policy_steps, self.canvas.num_fast_steps)
        difference = ops.matmul(rates, self.canvas.in_step) - self.mean_rate
        is_fast = (self.canvas.tail_minutes == 0).astype(np.float32)
        return difference * is_fast / SIGNAL_SCALE["current_c_rate"]
