"""What is said of an exported model beside its graph: ranges, grid, policies, where it is from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep import settings
from data_prep.errors import SettingsError
from rcvae_tf.run_directory import read_json, write_json

FORMAT_VERSION = 1


@dataclass(frozen=True)
class ServedFacts:
    """Facts of an exported model, as its file holds them.

    Args:
        preset: Of the run.
        split: How its data set was split.
        signals: Those that it generates, by the names of the project, in their order.
        height: Of the grid; a charge has `height * width` points.
        width: Likewise.
        latent_dim: Size of z.
        eol_range: Least and greatest EOL of the training data.
        ecl_range: Likewise of ECL.
        num_conditions: Of the training data.
        condition_weight: Of EOL in the distance of conditions.
        with_policy: Whether it is told the charge policy.
        training_policies: Their texts.
        most_fast_steps: Steps before the last one that a policy may have.
        nominal_capacity_ah: 1 C in A; None where the run does not know it.
        max_voltage_v: Upper limit of the charge.
        signal_ranges: Least and greatest value of each signal in the training data.
        provenance: Run, hash of the model, version of the code, training data.
        format_version: Of the file.
    """

    preset: str
    split: str
    signals: tuple[str, ...]
    height: int
    width: int
    latent_dim: int
    eol_range: tuple[int, int]
    ecl_range: tuple[int, int]
    num_conditions: int
    condition_weight: float
    with_policy: bool
    training_policies: tuple[str, ...]
    most_fast_steps: int
    nominal_capacity_ah: float | None
    max_voltage_v: float
    signal_ranges: dict[str, list[float]]
    provenance: dict[str, Any]
    format_version: int = FORMAT_VERSION

    @property
    def num_points(self) -> int:
        """Of a charge."""
        return self.height * self.width


def write_facts(facts: ServedFacts, path: Path) -> None:
    """Writes the file."""
    write_json(path, settings.to_dict(facts))


def read_facts(path: Path) -> ServedFacts:
    """The inverse of `write_facts`.

    Raises:
        SettingsError: The file is missing, damaged, or of another format version.
    """
    way_out = "Export the run anew with `python -m rcvae_tf.export`."
    stored = read_json(path, way_out)
    if stored.get("format_version") != FORMAT_VERSION:
        raise SettingsError(
            f"{path}: format version {stored.get('format_version')!r}, expected {FORMAT_VERSION}. "
            f"{way_out}"
        )
    try:
        return settings.from_dict(ServedFacts, stored)
    except TypeError as error:
        raise SettingsError(f"{path}: damaged ({error}). {way_out}") from error
