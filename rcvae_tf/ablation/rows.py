"""The rows of an ablation: their names, their order, and the settings of each."""

import dataclasses
from collections.abc import Iterable

from data_prep.errors import SettingsError
from rcvae_tf.config import detachable_layers
from rcvae_tf.presets import RunConfig

WHOLE, EMBEDDING = "None", "Embedding"
# Beyond those of the paper.
LATENT, LABELS = "latent", "labels"


def row_names(num_hidden_layers: int) -> tuple[str, ...]:
    """Names of all rows, spelled and ordered as in Table 2, then those beyond it.

    Args:
        num_hidden_layers: L of the whole model; 16 gives the 32 rows of the paper and two more.
    """
    layers = (name.capitalize() for name in detachable_layers(num_hidden_layers))
    return (*layers, WHOLE, EMBEDDING, LATENT, LABELS)


def parse_rows(words: Iterable[str], num_hidden_layers: int) -> tuple[str, ...]:
    """The rows that a user asked for, in the order of the table; all where none was named.

    Args:
        words: Names in any order and case.
        num_hidden_layers: L of the whole model.

    Raises:
        SettingsError: A name that no row has.
    """
    names = row_names(num_hidden_layers)
    known = {name.lower() for name in names}
    wanted = {word.lower() for word in words}
    strangers = [word for word in words if word.lower() not in known]
    if strangers:
        raise SettingsError(
            f"unknown row {strangers[0]!r}. Rows of a model with num_hidden_layers="
            f"{num_hidden_layers}: {', '.join(names)}."
        )
    return tuple(name for name in names if name.lower() in wanted or not wanted)


def check_whole(config: RunConfig) -> None:
    """Refuses to take a part out of a model that lacks one already.

    Raises:
        SettingsError: `detach` or `shuffle_labels` is set.
    """
    for name, value, whole in (
        ("detach", config.model.detach, "none"),
        ("shuffle_labels", config.training.shuffle_labels, False),
    ):
        if value != whole:
            raise SettingsError(
                f"`{name}` must be {whole} where an ablation starts: --rows says what is left out. "
                f"Received: {name}={value}."
            )


def row_config(whole: RunConfig, row: str) -> RunConfig:
    """Settings of a row: those of the whole model but for what the row leaves out."""
    if row == LABELS:
        training = dataclasses.replace(whole.training, shuffle_labels=True)
        return dataclasses.replace(whole, training=training)
    model = dataclasses.replace(whole.model, detach=row.lower())
    return dataclasses.replace(whole, model=model)
