"""What is searched: one table of settings that the paper does not give, with their ranges."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_prep.errors import SettingsError
from rcvae_tf.presets import RunConfig, resolve

if TYPE_CHECKING:
    import keras_tuner


@dataclass(frozen=True)
class Dimension:
    """One setting of the search.

    Args:
        name: Of the setting, in either part of the configuration.
        low: Smallest value; a whole number where the setting is one.
        high: Largest value, itself included.
        step: Between values: added, or multiplied where `log` is set; None for any number.
        log: Sample the logarithm evenly.
    """

    name: str
    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return isinstance(self.low, int)

    @property
    def flag(self) -> str:
        """What fixes the setting on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def values(self) -> list[float] | None:
        """All its values from low to high; None where it is any number between them."""
        if self.step is None:
            return None
        values = [self.low]
        while (following := values[-1] * self.step if self.log else values[-1] + self.step) <= (
            self.high
        ):
            values.append(following)
        return values


# One depth for both networks and one width for all their layers: with a width for each layer the
# search would begin with three random trials for each of them, and get stuck (keras-tuner issues
# 486 and 608).
SPACE = (
    Dimension("num_hidden_layers", 1, 16, step=1),
    Dimension("hidden_dim", 64, 512, step=2, log=True),
    Dimension("latent_dim", 2, 32, step=2, log=True),
    Dimension("embedding_dim", 8, 512, step=2, log=True),
    Dimension("kl_weight", 1e-3, 10.0, log=True),
    Dimension("learning_rate", 1e-4, 1e-2, log=True),
    Dimension("batch_size", 16, 128, step=2, log=True),
    Dimension("condition_weight", 0.5, 0.99),
)


def free_dimensions(
    fixed: Collection[str], space: tuple[Dimension, ...] = SPACE
) -> tuple[Dimension, ...]:
    """The dimensions that no flag has fixed.

    Raises:
        SettingsError: All of them are fixed.
    """
    free = tuple(dimension for dimension in space if dimension.name not in fixed)
    if not free:
        names = ", ".join(dimension.flag for dimension in space)
        raise SettingsError(
            f"nothing is left to search: {names} are all given. Leave out at least one, or train "
            f"with these values by `python -m rcvae_tf.train`."
        )
    return free


def check_space(space: tuple[Dimension, ...], base: RunConfig) -> None:
    """Makes sure that both ends of every range go with the settings that are not searched.

    Raises:
        SettingsError: One does not.
    """
    for dimension in space:
        for value in (dimension.low, dimension.high):
            try:
                configuration({dimension.name: value}, base)
            except SettingsError as error:
                raise SettingsError(
                    f"{error} It is searched from {dimension.low:g} to {dimension.high:g}: fix it "
                    f"with {dimension.flag}."
                ) from error


def hyperparameters(space: tuple[Dimension, ...]) -> "keras_tuner.HyperParameters":
    """The space in the tuner's own words."""
    import keras_tuner

    declared = keras_tuner.HyperParameters()
    for dimension in space:
        declare = declared.Int if dimension.is_whole else declared.Float
        declare(
            dimension.name,
            dimension.low,
            dimension.high,
            step=dimension.step,
            sampling="log" if dimension.log else "linear",
        )
    return declared


def plain_values(values: Mapping[str, Any], space: tuple[Dimension, ...]) -> dict[str, Any]:
    """The values of one trial as plain numbers; those of the tuner's model are numpy's."""
    return {d.name: int(values[d.name]) if d.is_whole else float(values[d.name]) for d in space}


def configuration(values: Mapping[str, Any], base: RunConfig) -> RunConfig:
    """The settings of one trial: those searched from `values`, all others from `base`."""
    return resolve(None, base.to_dict(), dict(values))
