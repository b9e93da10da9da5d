"""What a search is, before its first trial; a search that goes on must be of the same plan."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

from data_prep.dataset_card import DatasetCard
from rcvae_tf.presets import RunConfig, resolve
from tuning.search_space import Dimension

# Drawn at random before the Gaussian process takes over. The tuner's own choice, three for each
# setting, would be 24 of the 30 trials.
INITIAL_TRIALS = 8
FORMAT_VERSION = 1
PACKAGES = ("keras-tuner", "keras", "tensorflow", "scikit-learn", "scipy", "numpy")
SHOWN_DIFFERENCES = 3


@dataclass(frozen=True)
class SearchPlan:
    """Everything but the number of trials.

    Args:
        base: Settings that are not searched; `best.json` has them, and the best of the others.
        space: What is searched.
        trial_epochs: Epochs of a trial at the most.
        trial_patience: Epochs without a lower val_mae after which a trial ends.
        seed: Of everything random in the search; 1 or more, the tuner takes 0 for none.
        initial_trials: Random ones, before the Gaussian process suggests.
    """

    base: RunConfig
    space: tuple[Dimension, ...]
    trial_epochs: int
    trial_patience: int
    seed: int
    initial_trials: int = INITIAL_TRIALS

    @cached_property
    def trial_base(self) -> RunConfig:
        """`base` with the epochs and the patience of a trial."""
        budget = {"epochs": self.trial_epochs, "patience": self.trial_patience}
        return resolve(None, self.base.to_dict(), budget)

    def facts(self, card: DatasetCard, directory: str) -> dict[str, Any]:
        """The content of `search.json`.

        Args:
            card: Of the data set.
            directory: Where the data set lies.
        """
        from rcvae_tf import __version__

        return {
            "format_version": FORMAT_VERSION,
            "versions": {"rcvae_tf": __version__, **{name: version(name) for name in PACKAGES}},
            "data": {"directory": directory, "source": card.source["name"], "shards": card.shards},
            "base": self.base.to_dict(),
            "space": [dataclasses.asdict(dimension) for dimension in self.space],
            "trial_epochs": self.trial_epochs,
            "trial_patience": self.trial_patience,
            "search_seed": self.seed,
            "initial_trials": self.initial_trials,
        }


def differences(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Where two searches differ so that one cannot go on with the other's trials; "" if nowhere.

    Args:
        stored: Content of a `search.json`.
        wanted: Likewise.
    """
    before, now = _compared(stored), _compared(wanted)
    texts = [
        f"{name} {_shown(before.get(name))}, now {_shown(now.get(name))}"
        if name != "data"
        else f"another data set (its own: {stored['data']['directory']})"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    more = len(texts) - SHOWN_DIFFERENCES
    return "; ".join(texts[:SHOWN_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")


def _compared(facts: dict[str, Any]) -> dict[str, Any]:
    """What must be the same, by the name that a message gives it."""
    values = {
        "data": facts["data"]["shards"],
        # Another version may read the tuner's files in another sense without saying so.
        "version of keras-tuner": facts["versions"]["keras-tuner"],
        "preset": facts["base"]["preset"],
    }
    values |= {f"range of {d['name']}": d for d in facts["space"]}
    for part in ("model", "training"):
        values |= facts["base"][part]
    names = ("trial_epochs", "trial_patience", "search_seed", "initial_trials")
    return values | {name: facts[name] for name in names}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        text = f"{value['low']:g} to {value['high']:g}"
        text += f" in steps of {value['step']:g}" if value["step"] else ""
        return text + (" (log)" if value["log"] else "")
    return "none" if value is None else str(value)
