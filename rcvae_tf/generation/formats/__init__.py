"""The formats that generated charges are written in, a module each; `registry` has their table."""

from rcvae_tf.generation.formats.registry import FORMATS, Format, format_of
from rcvae_tf.generation.formats.writing import ChargeWriter

__all__ = ["FORMATS", "ChargeWriter", "Format", "format_of"]
