"""State indicators of charges, measured or generated: numbers that tell how a cell is."""

from rcvae_tf.indicators.compute import indicators_of
from rcvae_tf.indicators.table import INDICATORS, Indicator

__all__ = ["INDICATORS", "Indicator", "indicators_of"]
