"""What is searched: one table of settings that the paper does not give, with their ranges."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcvae_tf.config import RunConfig, resolve

if TYPE_CHECKING:
    import keras_tuner


@dataclass(frozen=True)
class Dimension:
    """One setting of the search.

    Args:
        part: `model` or `training`.
        name: Of the setting.
        low: Smallest value.
        high: Largest value.
        step: Between values: added, or multiplied where `log` is set; None for any number.
        log: Sample the logarithm evenly.
    """

    part: str
    name: str
    low: float
    high: float
    step: float | None = None
    log: bool = False


# One depth for both networks, not a width per layer: many dimensions make the search start with
# three random trials for each of them, and get stuck (keras-tuner issues 486 and 608).
SPACE = (
    Dimension("model", "num_hidden_layers", 1, 16, step=1),
    Dimension("model", "hidden_dim", 64, 512, step=2, log=True),
    Dimension("model", "latent_dim", 2, 32, step=2, log=True),
    Dimension("model", "embedding_dim", 8, 512, step=2, log=True),
    Dimension("model", "kl_weight", 1e-3, 10.0, log=True),
    Dimension("training", "learning_rate", 1e-4, 1e-2, log=True),
    Dimension("training", "batch_size", 16, 128, step=2, log=True),
    Dimension("training", "condition_weight", 0.5, 0.99),
)


def suggest(hyperparameters: "keras_tuner.HyperParameters", base: RunConfig) -> RunConfig:
    """The settings of one trial: those searched from the tuner, all others from `base`."""
    values = {d.name: _value(hyperparameters, d) for d in SPACE}
    return resolve(None, base.to_dict(), values)


def _value(hyperparameters: "keras_tuner.HyperParameters", dimension: Dimension) -> Any:
    sampling = "log" if dimension.log else "linear"
    whole = isinstance(dimension.low, int)
    draw = hyperparameters.Int if whole else hyperparameters.Float
    value = draw(
        dimension.name, dimension.low, dimension.high, step=dimension.step, sampling=sampling
    )
    # The tuner's model suggests numpy numbers, a setting is a plain one.
    return int(value) if whole else float(value)
