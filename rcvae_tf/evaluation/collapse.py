"""Tells when the latent space or the condition has gone out of use, why, and what helps."""

from collections.abc import Iterator
from typing import Any

from rcvae_tf.presets import RunConfig

# Below this share of the measured spread over conditions the decoder gives one curve for all.
LEAST_LABEL_RESPONSE = 0.2


def collapse_warnings(metrics: dict[str, Any], config: RunConfig) -> Iterator[str]:
    """One line for each kind of collapse that the metrics show; none where it was asked for.

    Args:
        metrics: The content of `metrics.json`.
        config: Of the run; it names the cause, and what is left to try.
    """
    # Both signs are a spread over test samples, and one sample has none.
    if metrics["samples"]["test"] == 1:
        yield (
            "collapse cannot be told: one test sample does not show whether curves differ between "
            "samples and conditions. Remedy: prepare the data with more cells or cycles."
        )
        return
    yield from collapse_signs(metrics["latent"], config).values()


def collapse_signs(latent: dict[str, Any], config: RunConfig) -> dict[str, str]:
    """What is out of use that was to be used, each with cause and remedy.

    Args:
        latent: `kl_per_dim`, `active_units` and `label_response`, over some samples.
        config: As for `collapse_warnings`.

    Returns:
        A line by kind: `latent`, `condition`.
    """
    signs, detached = {}, config.model.detach
    if latent["active_units"] == 0 and detached != "latent":
        signs["latent"] = _latent_sign(latent, config)
    misled = detached == "embedding" or config.training.shuffle_labels
    if latent["label_response"] < LEAST_LABEL_RESPONSE and not misled:
        signs["condition"] = (
            f"the decoder hardly uses the condition: its curves vary over conditions by "
            f"{latent['label_response']:.0%} of what measured ones do. Cause: training stayed on "
            f"its first plateau. Remedy: {_of_plateau(config)}."
        )
    return signs


def _latent_sign(latent: dict[str, Any], config: RunConfig) -> str:
    """A latent space out of use: a fault where nothing else tells draws apart."""
    numbers = (
        f"0 of {config.model.latent_dim} latent dimensions active, KLD "
        f"{sum(latent['kl_per_dim']):.1e} nats"
    )
    if config.model.decoder == "canvas":
        return (
            f"z is not in use: {numbers}; draws differ by the learned noise alone, which is sound "
            "where the condition explains the curves. Remedy, if z should tell samples apart: "
            "a lower --kl-weight."
        )
    cause, remedy = _of_latent(config)
    return (
        f"posterior collapse: {numbers}; z says nothing of a sample, so draws differ by nothing "
        f"learnt. Cause: {cause}. Remedy: {remedy}."
    )


def _of_latent(config: RunConfig) -> tuple[str, str]:
    """Why z is out of use, and what may bring it back."""
    if config.model.mse_reduction == "mean":
        cause = "the MSE is a mean over elements and the KLD a sum, so z costs more than it saves"
        remedies = ["--mse-reduction sum (the ELBO)", "a --kl-weight of 1e-4 or less"]
        return cause, _either(remedies + _other_preset(config))
    cause = "the condition explains the curves, or the KLD weighs too much"
    return cause, "a lower --kl-weight or a longer --kl-warmup-epochs, if draws should differ"


def _of_plateau(config: RunConfig) -> str:
    """What helps a decoder off its first plateau."""
    block = ["--block residual"] if config.model.block == "plain" else []
    longer = ["more --epochs and --patience"]
    return _either(["fewer --num-hidden-layers", *block, *longer, *_other_preset(config)])


def _other_preset(config: RunConfig) -> list[str]:
    """Preset `default`, to a run that is of another."""
    return [] if config.preset == "default" else ["--preset default"]


def _either(remedies: list[str]) -> str:
    return f"{', '.join(remedies[:-1])}, or {remedies[-1]}"
