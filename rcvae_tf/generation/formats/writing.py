"""What every writer of a format keeps, and what a format asks of a generated set."""

from pathlib import Path
from typing import Protocol

from data_prep.errors import SettingsError
from rcvae_tf.generation.charges import ChargeBlock, SetFacts

# Rows of a table, points of charges, that a writer holds before it writes: some tens of megabytes.
POINTS_AT_ONCE = 2**20


class ChargeWriter(Protocol):
    """Takes the blocks of a generated set in order; its memory does not grow with the set."""

    def add(self, block: ChargeBlock) -> None:
        """Writes the charges of a block.

        Raises:
            OSError: The disk does not take them.
        """

    def close(self) -> list[Path]:
        """Completes what was written: its files, relative to the output.

        Raises:
            OSError: The disk does not take what is left.
        """

    def discard(self) -> None:
        """Lets go of open files in place of `close`, where the set does not come to its end."""


def refuse_unknown(facts: SetFacts, format_name: str, needed: tuple[str, ...]) -> None:
    """Refuses a set that lacks what a format cannot be without.

    Args:
        facts: Of the set.
        format_name: For the message.
        needed: Names of signals, or `nominal_capacity_ah`.

    Raises:
        SettingsError: Names the first that is missing.
    """
    for name in needed:
        if name == "nominal_capacity_ah":
            is_known = facts.nominal_capacity_ah is not None
        else:
            is_known = name in facts.signals
        if not is_known:
            raise SettingsError(
                f"--format {format_name} needs `{name}`, which the run does not know. "
                f"Choose --format csv or npz, or train with a data set that has it."
            )
