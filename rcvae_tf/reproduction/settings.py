"""What a reproduction may be told; the flags of `python -m rcvae_tf.reproduce`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.config import AUTO, PrepConfig
from data_prep.errors import SettingsError
from data_prep.settings import setting, validate
from rcvae_tf.ablation.rows import parse_rows

SOURCES = PrepConfig.__dataclass_fields__["source"].metadata["choices"]
DEMO = "demo"
PAPER_LAYERS = 16


@dataclass(frozen=True)
class ReproduceSettings:
    """What is reproduced, and how far; defaults are those of the paper."""

    source: str = setting(
        AUTO, choices=SOURCES, help="format of the measurements; auto looks at the files"
    )
    input: str | None = setting(None, help="folder of the measurement files, or one file")
    early_cycles: tuple[str, ...] = setting(
        ("20", "40", "60", "80", "100"),
        help="numbers n of early cycles; a data set and a run for each (default: 20,40,60,80,100)",
    )
    trials: int = setting(30, minimum=1, help="trials of the search, on the largest n")
    trial_epochs: int = setting(100, minimum=1, help="epochs of a trial at the most")
    epochs: int | None = setting(
        None, minimum=1, help="epochs of every training at the most (default: the preset's)"
    )
    default_preset: bool = setting(True, help="train preset default too, beside the paper's")
    default_cycles: tuple[str, ...] = setting(
        (), help="which of the early cycles preset default is trained on (default: all)"
    )
    default_epochs: int | None = setting(
        None, minimum=1, help="epochs of preset default (default: as --epochs)"
    )
    rows: tuple[str, ...] = setting((), help="rows of Table 2 to run (default: all)")
    ablation_epochs: int | None = setting(
        None, minimum=1, help="epochs of a row of the ablation (default: as --epochs)"
    )
    ablation_cycles: tuple[str, ...] = setting(
        (), help="which of the early cycles are ablated (default: all)"
    )
    seed: int = setting(1, minimum=1, maximum=2**31 - 1, help="seed of search and trainings")
    jit_compile: bool = setting(True, help="compile the training steps with XLA")
    quick: bool = setting(
        False, help="all of it on the simulated demo and cut short, in minutes; other flags hold"
    )

    def __post_init__(self) -> None:
        validate(self)
        parse_rows(self.rows, PAPER_LAYERS)
        counts = _counts("early_cycles", self.early_cycles)
        if not counts:
            raise SettingsError("`early_cycles` must name a number of cycles. Received: none.")
        for name in ("default_cycles", "ablation_cycles"):
            strangers = [n for n in _counts(name, getattr(self, name)) if n not in counts]
            if strangers:
                raise SettingsError(
                    f"`{name}` must be among the early cycles {', '.join(map(str, counts))}. "
                    f"Received: {strangers[0]}."
                )

    @property
    def cycles(self) -> list[int]:
        """The numbers of early cycles, ascending."""
        return _counts("early_cycles", self.early_cycles)

    @property
    def with_default(self) -> list[int]:
        """Those of them with a run of preset `default`."""
        if not self.default_preset:
            return []
        return _counts("default_cycles", self.default_cycles) or self.cycles

    @property
    def ablated(self) -> list[int]:
        """Those of them with an ablation."""
        return _counts("ablation_cycles", self.ablation_cycles) or self.cycles


# Every kind of part, table and figure; as many of each as ten minutes on two busy cores allow.
# Preset default and the ablation are on the largest n alone.
QUICK: dict[str, Any] = {
    "source": DEMO,
    "early_cycles": ("4", "8", "12", "16", "20"),
    "trials": 3,
    "trial_epochs": 4,
    "epochs": 20,
    "rows": ("Decoder_1", "Encoder_16", "None", "Embedding", "latent", "labels"),
    "ablation_epochs": 3,
    "jit_compile": False,
}


def resolve(given: Mapping[str, Any]) -> ReproduceSettings:
    """Settings from what the user typed; `--quick` changes the defaults of the others.

    Raises:
        SettingsError: A value out of its range, or no measurements to reproduce from.
    """
    settings = ReproduceSettings(**{**(_quick(given) if given.get("quick") else {}), **given})
    if settings.input is None and settings.source != DEMO:
        kind = "measurement" if settings.source == AUTO else settings.source
        raise SettingsError(
            f"`input` must be the folder of the {kind} files. Received: nothing. Without them "
            f"--source {DEMO} or --quick does all of it on simulated cells."
        )
    return settings


def _quick(given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {**QUICK, **given}
    largest = _counts("early_cycles", defaults["early_cycles"])[-1:]
    alone = tuple(str(n) for n in largest)
    return QUICK | {"default_cycles": alone, "ablation_cycles": alone}


def placed(settings: ReproduceSettings) -> str | None:
    """The place of the measurements, whatever the working folder."""
    return None if settings.input is None else str(Path(settings.input).resolve())


def _counts(name: str, words: tuple[str, ...]) -> list[int]:
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise SettingsError(
                f"`{name}` must be numbers of cycles, 1 or more. Received: {word!r}."
            )
    return sorted({int(word) for word in words})
