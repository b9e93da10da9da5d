"""A plan of a search whose trials take a second."""

from tests.rcvae_tf.builders import tiny_config
from tuning.plan import SearchPlan
from tuning.search_space import Dimension

SMALL_SPACE = (
    Dimension("hidden_dim", 4, 8, step=2, log=True),
    Dimension("learning_rate", 1e-3, 1e-2, log=True),
)


def small_plan(space=SMALL_SPACE, trial_epochs=2, seed=1, initial_trials=8, **flags):
    small = {"epochs": 70, "patience": 30, "num_hidden_layers": 1}
    base = tiny_config("paper", **{**small, **flags})
    return SearchPlan(base, space, trial_epochs, 20, seed, initial_trials)
