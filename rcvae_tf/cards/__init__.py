"""Cards of models and of generated data sets, with the header that Hugging Face reads."""

from rcvae_tf.cards.data_card import data_card
from rcvae_tf.cards.model_card import model_card

__all__ = ["data_card", "model_card"]
