"""A version in service: its model, and the queue in front of it."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.servable.layout import GENERATE, SERVING_DEFAULT
from rcvae_tf.servable.measured import Measured
from rcvae_tf.serving.batching import Batcher
from rcvae_tf.serving.served_model import ServedModel


class Served(NamedTuple):
    """A model and the queue in front of it."""

    model: ServedModel
    batcher: Batcher

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    @property
    def version(self) -> int:
        """Of the model."""
        return self.model.version

    @property
    def facts(self) -> ServedFacts:
        """What was said of it at the export."""
        return self.model.facts

    @property
    def measured(self) -> Measured | None:
        """Measured charges that travel with it."""
        return self.model.measured

    async def predict(self, signature: str, inputs: dict[str, NDArray]) -> dict[str, NDArray[Any]]:
        """As `Batcher.predict`; both names of `generate` share its batches."""
        name = GENERATE if signature == SERVING_DEFAULT else signature
        return await self.batcher.predict(name, inputs)
