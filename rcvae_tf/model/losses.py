"""The two terms of the loss and their sum, as pure functions of tensors."""

from typing import Any

from keras import ops

Tensor = Any


def mse(x: Tensor, x_reconstructed: Tensor, present: Tensor, reduction: str) -> Tensor:
    """Squared error of a batch, over the elements of present signals.

    Args:
        x: Scaled samples, shape `(batch, sample_size)`.
        x_reconstructed: Same shape.
        present: 1 where the element's signal was measured, else 0; shape `(sample_size,)`.
        reduction: `mean` or `sum` over the elements of a sample; over samples it is the mean,
            K being the batch size.

    Returns:
        A scalar.

    Paper: Eq. 15.
    """
    squared_error = ops.sum(ops.square(x - x_reconstructed) * present, axis=-1)
    if reduction == "mean":
        squared_error = squared_error / ops.sum(present)
    return ops.mean(squared_error)


def kld(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """Divergence of the encoder's Gaussian from the standard normal, per latent dimension.

    Args:
        z_mean: Latent mean, shape `(batch, latent_dim)`.
        z_log_var: Natural log of the latent variance, same shape.

    Returns:
        Shape `(batch, latent_dim)`, in nats, never negative; 0 where mean 0 and variance 1. Its
        sum over the last axis is the KLD of a sample.

    Paper: Eq. 16, whose sum over j is left to `total_loss`, so that each dimension can be watched.
    """
    return -0.5 * (1.0 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))


def total_loss(mse_value: Tensor, kld_value: Tensor, kl_weight: Tensor | float) -> Tensor:
    """What is minimised: MSE + weight * KLD / K, with the KLD summed over a batch of K samples.

    Args:
        mse_value: From `mse`.
        kld_value: From `kld`, shape `(batch, latent_dim)`.
        kl_weight: 1 in the paper.

    Returns:
        A scalar.

    Paper: Eq. 17.
    """
    return mse_value + kl_weight * ops.mean(ops.sum(kld_value, axis=-1))
