"""Pictures of the charges that are expected over the conditions of a plan."""

from pathlib import Path

import numpy as np

from data_prep.protocol import policy_numbers
from rcvae_tf.generation.plan import Plan
from rcvae_tf.report.figure_sweep import draw_figures, pictured_rows
from rcvae_tf.run import Run


def draw_pictures(run: Run, plan: Plan, folder: Path) -> list[Path]:
    """Pictures of the charges that are expected over the conditions of a plan.

    Args:
        run: A trained run.
        plan: What was wanted.
        folder: Made where it is missing.

    Returns:
        The files; none where no two conditions share EOL or ECL.
    """
    steps = [policy_numbers(life.policy) for life in plan.lives for _ in life.ages]
    shown = pictured_rows(plan.labels)
    if not len(shown):
        return []
    labels, policy_steps = plan.labels[shown], np.stack(steps)[shown]
    return draw_figures(labels, run.mean_curves(labels, policy_steps), folder)
