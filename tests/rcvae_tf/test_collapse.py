import pytest

from rcvae_tf.config import ModelConfig
from rcvae_tf.evaluation.collapse import LEAST_LABEL_RESPONSE, collapse_warnings


def warnings_of(active_units=2, label_response=1.0, reduction="sum"):
    latent = {
        "kl_per_dim": [1e-7, 2e-7],
        "active_units": active_units,
        "label_response": label_response,
    }
    return list(collapse_warnings(latent, ModelConfig(latent_dim=2, mse_reduction=reduction)))


def test_a_sound_run_has_no_warning():
    assert warnings_of() == []


@pytest.mark.parametrize(
    ("reduction", "cause", "remedy"),
    [
        ("mean", "the MSE is a mean over elements and the KLD a sum", "--mse-reduction sum"),
        ("sum", "the condition explains the curves", "a lower --kl-weight"),
    ],
)
def test_a_collapsed_posterior_is_named_with_cause_and_remedy(reduction, cause, remedy):
    (line,) = warnings_of(active_units=0, reduction=reduction)
    assert line.startswith("posterior collapse: 0 of 2 latent dimensions active, KLD 3.0e-07 nats")
    assert f"Cause: {cause}" in line
    assert f"Remedy: {remedy}" in line


def test_an_ignored_condition_is_named_with_cause_and_remedy():
    (line,) = warnings_of(label_response=0.07)
    assert "vary over conditions by 7% of what measured ones do" in line
    assert "Cause: training stayed on its first plateau" in line
    assert "Remedy: fewer --num-hidden-layers, --block residual" in line


def test_the_bound_itself_is_no_warning():
    assert warnings_of(label_response=LEAST_LABEL_RESPONSE) == []


def test_both_kinds_give_a_line_each():
    assert len(warnings_of(active_units=0, label_response=0.0)) == 2
