"""`Run.generate`: charges of wanted conditions as arrays."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rcvae_tf.generation.drawing import check_plan, draw_blocks
from rcvae_tf.generation.plan import plan_grid
from rcvae_tf.run import Run

Cycles = int | Iterable[int]


def generate_arrays(
    run: Run,
    eol: Cycles,
    ecl: Cycles,
    samples: int = 1,
    *,
    policy: str = "",
    seed: int = 0,
    mean: bool = False,
    noise: str = "charge",
    extrapolate: bool = False,
) -> dict[str, NDArray]:
    """Charges of every EOL with every ECL, by name.

    Args:
        run: A trained run.
        eol: Cycle life of the cells, one or several.
        ecl: Age in cycles already made, one or several.
        samples: Draws of each condition.
        policy: Charge policy, as "5.4C(40%)-3.6C", for a run that is conditioned on it.
        seed: Same seed, same charges; those that the command writes.
        mean: The expected charge of each condition in place of draws.
        noise: "charge": each charge is drawn for itself; "cell": what is drawn for a synthetic
            cell stays with it over its life.
        extrapolate: Generate also beyond the EOL and ECL of the training data.

    Returns:
        By signal, `voltage_v` and so on, physical units, shape `(charges, points)`; and of shape
        `(charges,)`: `eol`, `ecl`, `draw`, `cell_id`, `in_support`, and what the condition was
        matched with, `matched_eol`, `matched_ecl`, `distance` (Eq. 14, weighted cycles).

    Raises:
        SettingsError: Less than one sample; a policy that does not fit the run, or none where it
            needs one.
        ConditionError: What no cell can have, or lies beyond the training data.
        UserError: The policy is not one.
    """
    plan = plan_grid(_several(eol), _several(ecl), policy, 1 if mean else samples)
    check_plan(run, plan, extrapolate)
    blocks = list(draw_blocks(run, plan, seed, mean=mean, noise=noise))
    labels = np.concatenate([block.labels for block in blocks])
    index, distance = run.vocabulary.nearest(labels)
    matched = run.vocabulary.labels[index]
    return {
        **{name: np.concatenate([b.curves[name] for b in blocks]) for name in blocks[0].curves},
        "eol": labels[:, 0],
        "ecl": labels[:, 1],
        "draw": np.concatenate([block.draws for block in blocks]),
        "cell_id": np.array([name for block in blocks for name in block.cell_ids]),
        "in_support": np.concatenate([block.in_support for block in blocks]),
        "matched_eol": matched[:, 0],
        "matched_ecl": matched[:, 1],
        "distance": distance,
    }


def _several(cycles: Cycles) -> list[int]:
    return list(cycles) if isinstance(cycles, Iterable) else [cycles]
