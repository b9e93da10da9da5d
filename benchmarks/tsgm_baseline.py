"""The conditional beta-VAE of tsgm (https://github.com/AlexanderVNikitin/tsgm), as it comes."""

import importlib.util
import os
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves, total_weights

LATENT_DIM = 8
EPOCHS = 200
BATCH_SIZE = 64
DRAWS = 20


def tsgm_version() -> str | None:
    """Of the installed package; None where there is none."""
    return version("tsgm") if importlib.util.find_spec("tsgm") else None


def tsgm_mean(train: SplitData, labels: NDArray[np.int64], seed: int) -> Curves:
    """The mean of `DRAWS` generated charges for each condition.

    Its architecture `cvae_conv5` and its way of training are taken as they are; signals and labels
    are brought to 0..1, which its last layer needs.

    Args:
        train: The samples that are learned from.
        labels: EOL and ECL of the wanted ones, shape `(samples, 2)`.
        seed: Of everything.

    Returns:
        The signals of the total of Table 1, each of shape `(samples, points)`.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # tsgm chooses its training step by it
    import keras
    import tsgm

    keras.utils.set_random_seed(seed)
    names = list(total_weights(train.signals_present))
    series = np.stack([train.curves[name] for name in names], axis=-1)
    low, high = series.min(axis=(0, 1)), series.max(axis=(0, 1))
    youngest, oldest = train.labels.min(axis=0), train.labels.max(axis=0)
    known, wanted = (
        ((of - youngest) / (oldest - youngest)).astype(np.float32) for of in (train.labels, labels)
    )
    architecture = tsgm.models.architectures.zoo["cvae_conv5"](
        seq_len=series.shape[1],
        feat_dim=len(names),
        latent_dim=LATENT_DIM,
        output_dim=known.shape[1],
    )
    model = tsgm.models.cvae.cBetaVAE(
        architecture.encoder, architecture.decoder, latent_dim=LATENT_DIM, temporal=False
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    scaled = ((series - low) / (high - low)).astype(np.float32)
    model.fit(scaled, known, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
    draws = [np.asarray(model.generate(wanted)[0]) for _ in range(DRAWS)]
    mean = np.mean(draws, axis=0) * (high - low) + low
    return {name: mean[..., k] for k, name in enumerate(names)}
