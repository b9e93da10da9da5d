"""What the page asks of a served model."""

from typing import Protocol

from numpy.typing import NDArray

from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.servable.measured import Measured

Arrays = dict[str, NDArray]


class Explorable(Protocol):
    """A version of a model that is loaded."""

    @property
    def name(self) -> str:
        """Of the model."""

    @property
    def version(self) -> int:
        """As its folder is named."""

    @property
    def facts(self) -> ServedFacts:
        """What is said of it beside its graph."""

    @property
    def measured(self) -> Measured | None:
        """Charges to lay generated ones over; None where none were exported."""

    async def predict(self, signature: str, inputs: Arrays) -> Arrays:
        """Calls a signature; names and units as in `rcvae_tf.servable.layout`.

        Args:
            signature: A name of one.
            inputs: By tensor, the first axis the rows.

        Returns:
            By tensor, likewise.
        """
