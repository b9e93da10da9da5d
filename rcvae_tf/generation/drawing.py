"""The charges of a plan, drawn a block at a time."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from data_prep.protocol import policy_numbers
from data_prep.records import FloatArray
from rcvae_tf.generation.charges import ChargeBlock
from rcvae_tf.generation.plan import Plan, Rows
from rcvae_tf.generation.policies import example_policy
from rcvae_tf.generation.support import check_support
from rcvae_tf.run import Run, conditions_on_policy

# Charges are drawn so many at a time, whatever number is wanted; what is too many is left out. So
# a charge does not depend on how many follow, and every block is the same work.
BLOCK = 1024
# What of the noise may stay with a synthetic cell over its life.
NOISES = ("charge", "cell")
OF_CELL = ("z", "duration_epsilon")
_CELL_STREAM, _CHARGE_STREAM = 1, 0


def check_plan(run: Run, plan: Plan, extrapolate: bool) -> None:
    """Refuses what a run cannot generate.

    Raises:
        SettingsError: A policy that the run cannot use, or none where it needs one.
        ConditionError: EOL or ECL beyond the training data, and not `extrapolate`.
        UserError: A policy is not one.
    """
    if not extrapolate:
        check_support(run.vocabulary, plan.labels)
    for policy in {life.policy for life in plan.lives}:
        _check_policy(run, policy)


def draw_blocks(
    run: Run, plan: Plan, seed: int, *, mean: bool = False, noise: str = "charge"
) -> Iterator[ChargeBlock]:
    """All charges of a plan, in its order.

    Args:
        run: A trained run, for which `check_plan` found nothing.
        plan: What is wanted.
        seed: Same seed, same charges; the first of many are those of few.
        mean: The expected charge of each condition in place of draws.
        noise: From `NOISES`. "charge": each charge is drawn for itself. "cell": z, and by how much
            charges take longer than expected, stay with a synthetic cell; what is left is noise of
            points.
    """
    steps = np.stack([policy_numbers(life.policy) for life in plan.lives]).astype(np.float32)
    decode = _compiled(run)
    of_cell = lru_cache(maxsize=4 * BLOCK)(lambda eol, draw: _cell_noise(run, seed, eol, draw))
    for block, start in enumerate(range(0, plan.num_charges, BLOCK)):
        rows = plan.rows(start, min(start + BLOCK, plan.num_charges))
        rng = None if mean else np.random.default_rng([seed, _CHARGE_STREAM, block])
        drawn = run.model.draw_noise(BLOCK, rng)
        if noise == "cell" and not mean:
            cells = [of_cell(*cell) for cell in zip(rows.labels[:, 0], rows.draws, strict=True)]
            for name in set(OF_CELL) & set(drawn):
                drawn[name][: len(cells)] = [cell[name] for cell in cells]
        series = decode(run.inputs_of(*_whole_block(rows, steps)), drawn)
        yield _block(run, plan, rows, series[: len(rows.draws)])


def _whole_block(rows: Rows, steps: FloatArray) -> tuple[NDArray, FloatArray]:
    """Labels and policies of as many charges as a block has, the last one repeated."""
    index = np.minimum(np.arange(BLOCK), len(rows.draws) - 1)
    return rows.labels[index], steps[rows.lives[index]]


def _compiled(run: Run) -> Callable[[dict, dict], FloatArray]:
    import tensorflow as tf

    decode = tf.function(run.model.generate_series, autograph=False)

    def numbers(inputs: dict[str, NDArray], noise: dict[str, FloatArray]) -> FloatArray:
        # Arrays would be constants of the graph, a graph for each.
        tensors = [{k: tf.constant(v) for k, v in part.items()} for part in (inputs, noise)]
        return decode(*tensors).numpy()

    return numbers


def _cell_noise(run: Run, seed: int, eol: int, draw: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng([seed, _CELL_STREAM, eol, draw])
    return {name: values[0] for name, values in run.model.draw_noise(1, rng).items()}


def _block(run: Run, plan: Plan, rows: Rows, series: FloatArray) -> ChargeBlock:
    cells = list(zip(rows.lives.tolist(), rows.draws.tolist(), strict=True))
    names = {cell: plan.cell_id(*cell) for cell in set(cells)}
    return ChargeBlock(
        labels=rows.labels,
        draws=rows.draws,
        cell_ids=[names[cell] for cell in cells],
        policies=[plan.lives[life].policy for life, _ in cells],
        in_support=run.vocabulary.in_support(rows.labels),
        projected=np.zeros(len(cells), np.bool_),
        curves=run.named(series),
    )


def _check_policy(run: Run, policy: str) -> None:
    if conditions_on_policy(run) and not policy:
        example = example_policy(run.data.get("training_policies", []))
        raise SettingsError(
            f"the run is conditioned on the charge policy: give --policy, such as "
            f'--policy "{example}".'
        )
    if policy and not conditions_on_policy(run):
        raise SettingsError(
            f"the run is not conditioned on the charge policy: leave out --policy, or train one "
            f"with --condition eol,ecl,policy. Received: policy={policy!r}."
        )
    if policy:
        _check_steps(run, policy)


def _check_steps(run: Run, policy: str) -> None:
    """The canvas has room for as many fast steps as the training policies have."""
    from rcvae_tf.model.policy import count_fast_steps

    most = run.model.data_facts["canvas"]["num_fast_steps"]
    count = count_fast_steps(policy_numbers(policy)[None])
    if count > most:
        raise SettingsError(
            f"--policy has {count} steps before the last one, those of the training data have "
            f"{most} at the most. Received: policy={policy!r}."
        )
