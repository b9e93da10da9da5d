"""The page at `/`: charges of a condition over the nearest measured one, in a browser."""

from rcvae_tf.serving.explorer.explorable import Explorable
from rcvae_tf.serving.explorer.routes import explorer_routes

__all__ = ["Explorable", "explorer_routes"]
