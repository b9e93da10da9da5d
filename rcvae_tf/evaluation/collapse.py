"""Tells when the latent space or the condition has gone out of use, why, and what helps."""

from collections.abc import Iterator
from typing import Any

from rcvae_tf.config import ModelConfig

# Below this share of the measured spread over conditions the decoder gives one curve for all.
LEAST_LABEL_RESPONSE = 0.2


def collapse_warnings(latent: dict[str, Any], config: ModelConfig) -> Iterator[str]:
    """One line for each kind of collapse that the latent part of the metrics shows.

    Args:
        latent: `kl_per_dim`, `active_units` and `label_response`.
        config: Of the model; it names the cause.
    """
    if latent["active_units"] == 0:
        total = sum(latent["kl_per_dim"])
        if config.mse_reduction == "mean":
            cause = (
                "the MSE is a mean over elements and the KLD a sum, so z costs more than it saves"
            )
            remedy = (
                "--mse-reduction sum (the ELBO), a --kl-weight of 1e-4 or less, or --preset default"
            )
        else:
            cause = "the condition explains the curves, or the KLD weighs too much"
            remedy = "a lower --kl-weight or a longer --kl-warmup-epochs, if draws should differ"
        yield (
            f"posterior collapse: 0 of {config.latent_dim} latent dimensions active, KLD "
            f"{total:.1e} nats; z says nothing of a sample, so draws differ by nothing learnt. "
            f"Cause: {cause}. Remedy: {remedy}."
        )
    if latent["label_response"] < LEAST_LABEL_RESPONSE:
        yield (
            f"the decoder hardly uses the condition: its curves vary over conditions by "
            f"{latent['label_response']:.0%} of what measured ones do. Cause: training stayed on "
            f"its first plateau. Remedy: fewer --num-hidden-layers, --block residual, more "
            f"--epochs and --patience, or --preset default."
        )
