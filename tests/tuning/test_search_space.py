"""What is searched, and what a suggestion makes of the settings."""

import numpy as np
import pytest

from data_prep.errors import SettingsError
from rcvae_tf.presets import resolve
from rcvae_tf.report.search_figures import DOUBLED_SETTINGS, LINEAR_SETTINGS
from tests.rcvae_tf.builders import tiny_config
from tuning.search_space import (
    SPACE,
    Dimension,
    check_space,
    configuration,
    free_dimensions,
    hyperparameters,
    plain_values,
)

NAMES = [dimension.name for dimension in SPACE]


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_every_dimension_names_a_setting_and_lies_within_its_range(preset):
    check_space(SPACE, resolve(preset))
    assert len(set(NAMES)) == 8


def test_a_range_that_does_not_go_with_a_fixed_setting_is_refused_before_the_first_trial():
    base = resolve("paper", None, {"detach": "decoder_8"})
    with pytest.raises(SettingsError, match="Received: detach='decoder_8'") as error:
        check_space(SPACE, base)
    way_out = "It is searched from 1 to 16: fix it with --num-hidden-layers."
    assert str(error.value).endswith(way_out)


def test_the_values_of_a_dimension_are_added_or_multiplied_and_reach_both_ends():
    assert Dimension("batch_size", 16, 128, step=2, log=True).values == [16, 32, 64, 128]
    assert Dimension("num_hidden_layers", 1, 4, step=1).values == [1, 2, 3, 4]
    assert Dimension("kl_weight", 0.1, 1.0, log=True).values is None


@pytest.mark.parametrize("dimension", SPACE, ids=NAMES)
def test_the_tuner_draws_both_ends_of_a_range_and_nothing_outside(dimension):
    (declared,) = hyperparameters((dimension,)).space
    low, high = declared.prob_to_value(0.0), declared.prob_to_value(1.0)
    np.testing.assert_allclose([low, high], [dimension.low, dimension.high], rtol=1e-12)
    draws = [declared.random_sample(seed) for seed in range(200)]
    if dimension.values is None:
        assert dimension.low <= min(draws)
        assert max(draws) <= dimension.high
    else:
        assert set(draws) == set(dimension.values)


def test_what_a_flag_gives_is_taken_out_of_the_search():
    free = free_dimensions({"num_hidden_layers": 16, "kl_weight": 1.0, "epochs": 3})
    left = ["hidden_dim", "latent_dim", "embedding_dim", "learning_rate", "batch_size"]
    assert [dimension.name for dimension in free] == [*left, "condition_weight"]


def test_a_space_of_which_all_is_fixed_is_refused():
    with pytest.raises(SettingsError, match="nothing is left to search: --num-hidden-layers, "):
        free_dimensions(NAMES)


def test_numpy_numbers_of_the_tuner_become_plain_settings():
    space = free_dimensions(set(NAMES) - {"condition_weight", "hidden_dim"})
    values = plain_values(
        {"condition_weight": np.float64(0.64), "hidden_dim": np.int64(128)}, space
    )
    assert values == {"condition_weight": 0.64, "hidden_dim": 128}
    assert (type(values["condition_weight"]), type(values["hidden_dim"])) == (float, int)


def test_a_trial_changes_what_is_searched_and_nothing_else():
    base = tiny_config(epochs=7)
    config = configuration({"hidden_dim": 64, "learning_rate": 3e-3}, base)
    assert (config.model.hidden_dim, config.training.learning_rate) == (64, 3e-3)
    assert config.training.epochs == 7
    assert config.preset == base.preset
    assert config.model.latent_dim == base.model.latent_dim


def test_the_figures_know_how_each_setting_is_searched():
    assert set(LINEAR_SETTINGS) == {d.name for d in SPACE if not d.log}
    assert set(DOUBLED_SETTINGS) == {d.name for d in SPACE if d.log and d.step == 2}
