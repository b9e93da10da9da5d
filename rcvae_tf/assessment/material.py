"""What an assessment compares: measured charges, generated ones, copies, all of like sizes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import DatasetError
from rcvae_tf.assessment.charges import ChargeSet, measured_set
from rcvae_tf.assessment.halves import exchangeable_halves
from rcvae_tf.assessment.layout import COPY, GENERATED, REAL
from rcvae_tf.dataset import Dataset, SplitData, merge
from rcvae_tf.evaluation.baselines import nearest_label
from rcvae_tf.run import Run

# A half larger than that is thinned at random: distances grow with the square.
MOST_CHARGES = 1500
FEWEST_CHARGES, FEWEST_TEST_CELLS, FEWEST_CELLS = 8, 2, 3


@dataclass(frozen=True)
class Sets:
    """A reference of measured charges, and as many of each set that is compared with it.

    Args:
        reference: One half of some measured charges.
        compared: By name: the other half, and for its conditions what was generated and copied.
    """

    reference: ChargeSet
    compared: dict[str, ChargeSet]


@dataclass(frozen=True)
class Material:
    """Everything that the measures are taken of.

    Args:
        unseen: Halves of the test split, which the generator was not trained on.
        learned: Halves of the charges that regressors learn from.
        trained: What the generator was trained on.
        held_out: The test split.
        asked: What regressors are tested on.
        holds_cells_out: Whether no cell of the test split was trained on.
    """

    unseen: Sets
    learned: Sets
    trained: ChargeSet
    held_out: ChargeSet
    asked: ChargeSet
    holds_cells_out: bool


def gather(run: Run, dataset: Dataset, rng: np.random.Generator) -> Material:
    """Deals the measured charges into halves, generates, and copies.

    Raises:
        DatasetError: Too few cells or charges.
    """
    known = dataset.known(run.config.training.merge_validation)
    test = dataset.test
    holds_cells_out = not np.isin(test.cell_ids, known.cell_ids).any()
    # Under a sample split every cell is in every split, and regressors hold cells out themselves.
    learned = known if holds_cells_out else _everything(dataset)
    _check_cells(dataset, learned, test, holds_cells_out)
    # Preset `paper` generates no elapsed time; then measured charges go without it too.
    signals = tuple(run.mean_curves(test.labels[:1], test.policy_steps[:1]))
    trained, held_out = measured_set(known, signals), measured_set(test, signals)
    asked = held_out if holds_cells_out else measured_set(learned, signals)
    return Material(
        unseen=_sets(run, test, known, signals, rng),
        learned=_sets(run, learned, None, signals, rng),
        trained=trained,
        held_out=held_out,
        asked=asked,
        holds_cells_out=holds_cells_out,
    )


def drawn(run: Run, conditions: ChargeSet, rng: np.random.Generator) -> ChargeSet:
    """One charge drawn for each of the conditions."""
    curves = run.draw_curves(conditions.labels, conditions.policy_steps, rng)
    return conditions.with_curves(curves)


def copied(known: SplitData, conditions: ChargeSet, run: Run) -> ChargeSet:
    """The nearest measured charge under Eq. 14 for each of the conditions."""
    weight = run.config.training.condition_weight
    curves = nearest_label(known, conditions.labels, weight)
    return conditions.with_curves({name: curves[name] for name in conditions.curves})


def _sets(
    run: Run,
    pool: SplitData,
    copied_from: SplitData | None,
    signals: tuple[str, ...],
    rng: np.random.Generator,
) -> Sets:
    """Halves of a pool; copies come from the first half where nothing else is given."""
    first, second = exchangeable_halves(pool.cell_ids, pool.labels[:, 1], rng)
    if len(first) > MOST_CHARGES:
        chosen = np.sort(rng.choice(len(first), MOST_CHARGES, replace=False))
        first, second = first[chosen], second[chosen]
    half = _rows(pool, first)
    real = measured_set(_rows(pool, second), signals)
    compared = {
        GENERATED: drawn(run, real, rng),
        COPY: copied(copied_from or half, real, run),
        REAL: real,
    }
    return Sets(measured_set(half, signals), compared)


def _rows(split: SplitData, rows: NDArray) -> SplitData:
    return replace(
        split,
        quasi_video=split.quasi_video[rows],
        labels=split.labels[rows],
        cell_ids=split.cell_ids[rows],
        policy_steps=split.policy_steps[rows],
    )


def _everything(dataset: Dataset) -> SplitData:
    return merge(merge(dataset.train, dataset.validation), dataset.test)


def _check_cells(
    dataset: Dataset, learned: SplitData, test: SplitData, holds_cells_out: bool
) -> None:
    cells, test_cells = len(np.unique(learned.cell_ids)), len(np.unique(test.cell_ids))
    if cells < FEWEST_CELLS or test_cells < FEWEST_TEST_CELLS:
        raise DatasetError(
            f"{dataset.directory}: {cells} cells to learn from and {test_cells} in the test split, "
            f"an assessment needs {FEWEST_CELLS} and {FEWEST_TEST_CELLS}. Prepare more cells, or "
            f"{'fewer folds' if holds_cells_out else 'more cycles'}."
        )
    in_half = sum(np.unique(test.cell_ids, return_counts=True)[1] // 2)
    if in_half < FEWEST_CHARGES:
        raise DatasetError(
            f"{dataset.directory}: the test split holds two halves of {in_half} charges, an "
            f"assessment needs {FEWEST_CHARGES} in each. Prepare more cells or cycles."
        )
