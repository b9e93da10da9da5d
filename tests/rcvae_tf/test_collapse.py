from types import SimpleNamespace

import pytest

from rcvae_tf.evaluation.collapse import (
    LEAST_LABEL_RESPONSE,
    collapse_signs,
    collapse_warnings,
)
from rcvae_tf.presets import resolve


def warnings_of(active_units=2, label_response=1.0, test_samples=6, preset="paper", **flags):
    latent = {
        "kl_per_dim": [1e-7, 2e-7],
        "active_units": active_units,
        "label_response": label_response,
    }
    metrics = {"latent": latent, "samples": {"train": 15, "test": test_samples}}
    return list(collapse_warnings(metrics, resolve(preset, None, {"latent_dim": 2, **flags})))


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
    (line,) = warnings_of(active_units=0, mse_reduction=reduction)
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


@pytest.mark.parametrize("what", [{"active_units": 0}, {"label_response": 0.0}])
def test_preset_default_is_no_remedy_for_a_run_of_preset_default(what):
    (line,) = warnings_of(**what, mse_reduction="mean")
    assert line.endswith(", or --preset default.")
    (line,) = warnings_of(**what, mse_reduction="mean", preset="default")
    assert "--preset" not in line


@pytest.mark.parametrize(
    ("block", "remedy"),
    [
        ("plain", "fewer --num-hidden-layers, --block residual, or more --epochs and --patience."),
        ("residual", "fewer --num-hidden-layers, or more --epochs and --patience."),
    ],
)
def test_residual_blocks_are_a_remedy_only_for_plain_layers(block, remedy):
    (line,) = warnings_of(label_response=0.0, preset="default", block=block)
    assert line.endswith(f"Remedy: {remedy}")


def test_one_test_sample_has_no_spread_to_judge_by():
    (line,) = warnings_of(active_units=0, label_response=0.0, test_samples=1)
    assert line.startswith("collapse cannot be told: one test sample does not show")
    assert len(warnings_of(active_units=0, label_response=0.0, test_samples=2)) == 2


def test_what_was_detached_is_no_collapse():
    assert warnings_of(active_units=0, detach="latent") == []
    assert warnings_of(label_response=0.0, detach="embedding") == []
    assert len(warnings_of(active_units=0, label_response=0.0, detach="latent")) == 1


def test_shuffled_labels_are_no_fault_to_be_mended():
    assert warnings_of(label_response=0.07, shuffle_labels=True) == []


def canvas_config(**flags):
    """Settings of a decoder that learns the noise of its points."""
    config = resolve("paper", None, {"latent_dim": 2, **flags})
    model = SimpleNamespace(**{**vars(config.model), "decoder": "canvas"})
    return SimpleNamespace(preset="default", model=model, training=config.training)


def test_a_decoder_with_noise_of_its_own_may_do_without_z():
    latent = {"kl_per_dim": [1e-7, 2e-7], "active_units": 0, "label_response": 1.0}
    assert collapse_signs(latent, canvas_config()) == {
        "latent": "z is not in use: 0 of 2 latent dimensions active, KLD 3.0e-07 nats; draws "
        "differ by the learned noise alone, which is sound where the condition explains the "
        "curves. Remedy, if z should tell samples apart: a lower --kl-weight."
    }


def test_signs_come_by_kind():
    latent = {"kl_per_dim": [0.0], "active_units": 0, "label_response": 0.0}
    signs = collapse_signs(latent, canvas_config(detach="latent"))
    assert list(signs) == ["condition"]
    assert list(collapse_signs(latent, canvas_config())) == ["latent", "condition"]
