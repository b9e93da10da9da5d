"""The nearest known condition inside the graph, as `conditions.Vocabulary.nearest` finds it."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from data_prep.records import MOST_CYCLES
from rcvae_tf.conditions import TIE_TOLERANCE, Vocabulary
from rcvae_tf.model.losses import Tensor

# Further apart than any two ages that are asked for.
STRIDE = 4 * MOST_CYCLES


class Match(NamedTuple):
    """What conditions were matched with; each of shape `(rows,)`.

    Args:
        index: Number in the vocabulary, int32.
        eol: Of the known condition, int64.
        ecl: Likewise.
        distance: In weighted cycles, float64.
        in_support: Whether EOL and ECL lie within those of the vocabulary.
    """

    index: Tensor
    eol: Tensor
    ecl: Tensor
    distance: Tensor
    in_support: Tensor


class NearestCondition:
    """Looks up conditions: of each life the two ages around the one that is asked for.

    Args:
        vocabulary: Of the run.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.labels = vocabulary.labels
        self.weight = vocabulary.weight
        self.label_range = vocabulary.label_range
        lives, first, rank = np.unique(self.labels[:, 0], return_index=True, return_inverse=True)
        self.ranks = np.arange(len(lives), dtype=np.int64)
        # With a weight of 1 all ages of a life are as near, and ties go to the smaller index.
        self.first = first.astype(np.int64)
        self.keys = rank.astype(np.int64) * STRIDE + self.labels[:, 1]

    def __call__(self, eol: Tensor, ecl: Tensor) -> Match:
        """Matches conditions, each argument of shape `(rows,)`, int64."""
        candidates = self._candidates(ecl)
        known = tf.gather(self.labels, candidates)
        apart = tf.cast(tf.abs(known - tf.stack([eol, ecl], axis=1)[:, None]), tf.float64)
        distance = self.weight * apart[..., 0] + (1 - self.weight) * apart[..., 1]
        least = tf.reduce_min(distance, axis=1)
        reach = least * (1 + TIE_TOLERANCE) + TIE_TOLERANCE
        tied = tf.where(distance <= reach[:, None], candidates, len(self.labels))
        index = tf.reduce_min(tied, axis=1)
        label = tf.stack([eol, ecl], axis=1)
        low, high = self.label_range
        matched_eol, matched_ecl = tf.unstack(tf.gather(self.labels, index), axis=1)
        in_support = tf.reduce_all((label >= low) & (label <= high), axis=1)
        return Match(tf.cast(index, tf.int32), matched_eol, matched_ecl, least, in_support)

    def _candidates(self, ecl: Tensor) -> Tensor:
        """Numbers of the first condition of each life and of those around an age."""
        age = tf.clip_by_value(ecl, -MOST_CYCLES, 2 * MOST_CYCLES)
        queries = self.ranks[None] * STRIDE + age[:, None]
        above = tf.searchsorted(self.keys[None], tf.reshape(queries, [1, -1]), out_type=tf.int64)
        above = tf.reshape(above, tf.shape(queries))
        first = tf.zeros_like(above) + self.first
        return tf.clip_by_value(
            tf.concat([first, above - 1, above], axis=1), 0, len(self.labels) - 1
        )
