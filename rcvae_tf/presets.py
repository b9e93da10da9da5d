"""The two presets, and what overrides what when a run's settings are made."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep import settings
from data_prep.errors import SettingsError
from rcvae_tf.config import ModelConfig, TrainConfig

if TYPE_CHECKING:
    from data_prep.dataset_card import DatasetCard

# What preset `paper` sets otherwise. The paper gives 16 + 16 layers, embeddings of 473, 1000
# epochs and patience 100; it does not give widths, latent size, rate and batch size.
PAPER: dict[str, dict[str, Any]] = {
    "model": {
        "decoder": "quasi_video",
        "num_hidden_layers": 16,
        "hidden_dim": 256,
        "latent_dim": 32,
        "embedding_dim": 473,
        "block": "plain",
        "continuous_condition": False,
        "scaling": "min_max",
        "quasi_video_depth": 2,
        "mse_reduction": "mean",
        "mean_mode_weight": 0.0,
        "encode_deviation": False,
        "kl_weight": 1.0,
        "validation_mode": "reconstruct",
    },
    "training": {
        "epochs": 1000,
        "patience": 100,
        "batch_size": 64,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "weight_decay": 0.0,
        "clip_norm": 0.0,
        "average_decay": 0.0,
        "kl_warmup_epochs": 0,
        "neighbour_share": 0.0,
        "merge_validation": True,
    },
}
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "default": {"model": {}, "training": {}},
    "paper": PAPER,
}


# What preset `default` sets otherwise where cells, not charges, are held out: nothing is learned of
# a cell by its name, and the network is kept from telling the few training cells apart.
NEW_CELLS: dict[str, dict[str, Any]] = {
    "model": {
        "hidden_dim": 256,
        "num_knots": 300,
        "num_frequencies": 0,
        "ecl_jitter": 0.7,
        "known_lives": False,
        "blind_tail": True,
        "duration_to_curves": True,
        "spread_scale": 1.2,
        "current_spread": 0.35,
        # Cells differ by more than the charges of a cell do, and not in the same directions.
        "noise_factors": 0,
    },
    "training": {
        "epochs": 30,
        "keep": "last",
        "learning_rate": 3e-3,
        "weight_decay": 1e-4,
        # Compiling takes longer than so short a training.
        "jit_compile": False,
    },
}


# The epochs of preset `default` are for this many training samples; of more, fewer epochs are
# made. Charges of known cells are worth more steps, so there it is a share at the least; for new
# cells more steps learn the training cells by heart.
EPOCHS_HOLD_FOR = 1200
LEAST_SHARE_OF_EPOCHS = 0.25


@dataclass(frozen=True)
class RunConfig:
    """Everything a run was told: `config.json` of a run directory."""

    preset: str
    model: ModelConfig
    training: TrainConfig

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values; `resolve` takes them back."""
        return {
            "preset": self.preset,
            "model": settings.to_dict(self.model),
            "training": settings.to_dict(self.training),
        }


def resolve(
    preset: str | None,
    stored: dict[str, Any] | None = None,
    flags: dict[str, Any] | None = None,
    split: str = "sample",
    num_samples: int = 0,
) -> RunConfig:
    """A run's settings: the preset, changed by a stored configuration, changed by flags.

    Args:
        preset: A name in `PRESETS`; None takes that of `stored`, else `default`.
        stored: Parts `preset`, `model` and `training`, each of them complete or not.
        flags: Settings of either part, by name.
        split: Of the data set; preset `default` has other settings where cells are held out.
        num_samples: Training samples of the data set; 0 where it is not known yet. Of many
            samples preset `default` makes fewer epochs.

    Raises:
        SettingsError: An unknown preset, part or setting, or a value out of its range.
    """
    stored = stored or {}
    name = preset or stored.get("preset", "default")
    if name not in PRESETS:
        raise SettingsError(f"unknown preset {name!r}. Presets: {', '.join(PRESETS)}.")
    parts: dict[str, Any] = {}
    for part, settings_class in (("model", ModelConfig), ("training", TrainConfig)):
        given = stored.get(part, {})
        if not isinstance(given, dict):
            raise SettingsError(f"`{part}` of the configuration must be an object: {given!r}.")
        of_data = _of_data(part, split, num_samples) if name == "default" else {}
        values = {**PRESETS[name][part], **of_data, **given}
        fields = settings_class.__dataclass_fields__
        values |= {k: v for k, v in (flags or {}).items() if k in fields}
        parts[part] = settings.from_dict(settings_class, values)
    return RunConfig(preset=name, **parts)


def _of_data(part: str, split: str, num_samples: int) -> dict[str, Any]:
    """What preset `default` sets for a data set."""
    values = dict(NEW_CELLS[part]) if split == "cell" else {}
    if part == "training" and num_samples > EPOCHS_HOLD_FOR:
        epochs = values.get("epochs", TrainConfig().epochs)
        share = EPOCHS_HOLD_FOR / num_samples
        if split != "cell":
            share = max(share, LEAST_SHARE_OF_EPOCHS)
        values["epochs"] = math.ceil(epochs * share)
    return values


def of_card(card: "DatasetCard | None") -> dict[str, Any]:
    """What `resolve` takes of a data set; nothing where it is not known yet."""
    if card is None:
        return {}
    return {"split": card.preparation["split"], "num_samples": card.num_samples("train")}


def read_stored(path: Path) -> dict[str, Any]:
    """A `config.json` of a run, or a `best.json` of a search, for `resolve`.

    Raises:
        SettingsError: The file is missing, is not JSON, or not an object.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SettingsError(
            f"{path}: not a readable configuration: {error}. Expected the config.json of a run."
        ) from error
    if not isinstance(stored, dict):
        raise SettingsError(f"{path}: expected an object with `model` and `training`.")
    return stored
