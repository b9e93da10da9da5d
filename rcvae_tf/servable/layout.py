"""Names in an exported model: its files, its signatures and their tensors."""

from dataclasses import dataclass
from pathlib import Path

# Signatures. TensorFlow Serving takes the second name where a request gives none.
GENERATE, SERVING_DEFAULT = "generate", "serving_default"
DECODE, ENCODE, RECONSTRUCT = "decode", "encode", "reconstruct"

# Tensors beside the signals.
EOL, ECL, SEED, POLICY_STEPS = "eol", "ecl", "seed", "policy_steps"
Z, Z_MEAN, Z_LOG_VAR = "z", "z_mean", "z_log_var"
TIME = "time_s"
MATCHED_EOL, MATCHED_ECL = "matched_eol", "matched_ecl"
DISTANCE, IN_SUPPORT = "distance", "in_support"


def tensor_of(signal: str) -> str:
    """What a signal is called in a signature: the elapsed time is the abscissa, `time_s`."""
    return TIME if signal == "elapsed_time_s" else signal


@dataclass(frozen=True)
class VersionDirectory:
    """`models/rcvae/<version>/`: a SavedModel, and what goes with it.

    TensorFlow Serving hands `assets.extra` on as it is.
    """

    path: Path

    @property
    def version(self) -> int:
        """The number that the folder is named by."""
        return int(self.path.name)

    @property
    def saved_model(self) -> Path:
        """The graph; a folder without it is no version."""
        return self.path / "saved_model.pb"

    @property
    def extra(self) -> Path:
        """Everything that is not TensorFlow's own."""
        return self.path / "assets.extra"

    @property
    def warm_up(self) -> Path:
        """Requests that TensorFlow Serving and our server send to themselves first."""
        return self.extra / "tf_serving_warmup_requests"

    @property
    def facts(self) -> Path:
        """What the model is, `facts.ServedFacts`."""
        return self.extra / "rcvae.json"

    @property
    def measured(self) -> Path:
        """Measured charges to lay generated ones over; may be missing."""
        return self.extra / "measured.npz"

    def example(self, signature: str) -> Path:
        """The body of a request, as it goes to `:predict`."""
        return self.extra / f"request_{signature}.json"


def versions_in(folder: Path) -> list[VersionDirectory]:
    """The versions of a model that are complete, ascending."""
    found = [
        VersionDirectory(path)
        for path in folder.iterdir()
        if path.name.isascii() and path.name.isdigit() and (path / "saved_model.pb").is_file()
    ]
    return sorted(found, key=lambda directory: directory.version)
