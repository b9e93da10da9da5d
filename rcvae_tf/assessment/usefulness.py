"""Train on synthetic, test on real: whether a regressor learns from generated charges."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.assessment.layout import REFERENCE
from rcvae_tf.assessment.regressors import REGRESSORS, RIDGE, fitted, folds_of_cells
from rcvae_tf.evaluation.metrics import mae, r2

REPEATS = 3
# Below this a share of the real score would be near a ratio of two failures.
LEAST_REAL_R2 = 0.5
CELL_COUNTS = (1, 2, 3, 5, 8)
CHOICES = 10


class Task(NamedTuple):
    """Charges as a regressor sees them.

    Args:
        inputs: Shape `(samples, inputs)`.
        target: What is to be told, shape `(samples,)`.
        cell_ids: Shape `(samples,)`.
    """

    inputs: FloatArray
    target: FloatArray
    cell_ids: NDArray

    def of_cells(self, cells: NDArray) -> "Task":
        """The charges of some cells."""
        chosen = np.isin(self.cell_ids, cells)
        return Task(self.inputs[chosen], self.target[chosen], self.cell_ids[chosen])


Fold = tuple[NDArray, NDArray]  # cells to train on, cells to test on


def folds_of(training_cells: NDArray, test_cells: NDArray, seed: int) -> list[list[Fold]]:
    """Which cells are trained and tested on, by repetition.

    Where the data set holds cells out (cell split) they are the test, once. Else every cell is in
    the test of one of five folds, and that three times, with other folds.

    Args:
        training_cells: Those of the generator's training, each once.
        test_cells: Those of the test split, each once.
        seed: Of the folds.
    """
    if not np.isin(test_cells, training_cells).any():
        return [[(training_cells, test_cells)]]
    return [
        [(training_cells[a], training_cells[b]) for a, b in folds_of_cells(training_cells, number)]
        for number in range(seed, seed + REPEATS)
    ]


def transfer(
    sources: dict[str, Task], test: Task, repetitions: list[list[Fold]], seed: int
) -> dict[str, Any]:
    """Scores of regressors by what they were trained on, all tested on measured unseen cells.

    R2 and MAE are taken over the test charges of all folds together. The share of the real score
    is R2 of a source / R2 of the reference, of the regressor with the highest R2 of the reference
    (a choice that sees no synthetic charge); None where that is below 0.5.
    In theory: a second half of the real data has a share of 1, up to chance. So has a copy, which
    is real data: this measure tells nothing of novelty.

    Args:
        sources: By name, `reference` (real) among them; of like sizes.
        test: Measured charges of all cells that are tested.
        repetitions: From `folds_of`.
        seed: Of the trees.
    """
    scores: dict[str, Any] = {}
    for kind in REGRESSORS:
        scores[kind] = {
            name: _score(kind, source, test, repetitions, seed) for name, source in sources.items()
        }
    best = max(REGRESSORS, key=lambda kind: scores[kind][REFERENCE]["r2"])
    real = scores[best][REFERENCE]
    told = real["r2"] >= LEAST_REAL_R2
    shares = {n: s["r2"] / real["r2"] if told else None for n, s in scores[best].items()}
    return {
        "scores": scores,
        "guess_mae": _guess(sources[REFERENCE], test, repetitions),
        "regressor": best,
        "share_of_real": shares,
    }


def _guess(source: Task, test: Task, repetitions: list[list[Fold]]) -> float:
    """MAE of the mean of the charges learned from: what no input at all gives."""
    errors = [
        np.abs(test.of_cells(others).target - source.of_cells(known).target.mean())
        for folds in repetitions
        for known, others in folds
    ]
    return float(np.mean(np.concatenate(errors)))


def _score(
    kind: str, source: Task, test: Task, repetitions: list[list[Fold]], seed: int
) -> dict[str, float | None]:
    """The spread is that over the repetitions; None where there is but one."""
    found = []
    for folds in repetitions:
        pairs = [
            (asked.target, _predicted(kind, source.of_cells(known), asked, seed))
            for known, asked in ((cells, test.of_cells(others)) for cells, others in folds)
        ]
        target, predicted = (np.concatenate(part) for part in zip(*pairs, strict=True))
        found.append((r2(target, predicted), mae(target, predicted)))
    (r2_mean, mae_mean), (r2_spread, mae_spread) = np.mean(found, 0), np.std(found, 0)
    repeated = len(found) > 1
    return {
        "r2": float(r2_mean),
        "r2_spread": float(r2_spread) if repeated else None,
        "mae": float(mae_mean),
        "mae_spread": float(mae_spread) if repeated else None,
    }


def augmentation(
    real: Task, added: dict[str, Task], test: Task, repetitions: list[list[Fold]], seed: int
) -> dict[str, Any]:
    """Errors on unseen cells by the number of real cells, alone and with charges added.

    A number of cells is chosen at random among those that may be trained on, ten times; to the real
    charges of these are added the charges of a set for the conditions of all cells that may be
    trained on. The regressor is the ridge.
    In theory: adding the second half of the real data is adding real cells, the best that can be;
    the gain vanishes as the number of real cells grows.

    Args:
        real: Measured charges.
        added: By name, what is added.
        test: Measured charges of all cells that are tested.
        repetitions: From `folds_of`.
        seed: Of the choices.

    Returns:
        By what was added ("none" of them), for each number of cells the mean MAE, its standard
        deviation over the choices, and the share of choices in which it was below that of none.
    """
    folds = [fold for repetition in repetitions for fold in repetition]
    most = min(len(known) for known, _ in folds)
    counts = [count for count in CELL_COUNTS if count < most] + [most]
    curves: dict[str, list[dict[str, float]]] = {name: [] for name in ("none", *added)}
    for count in counts:
        rng = np.random.default_rng([seed, count])
        errors: dict[str, list[float]] = {name: [] for name in curves}
        for number in range(CHOICES):
            known, others = folds[number % len(folds)]
            own, asked = (
                real.of_cells(rng.choice(known, count, replace=False)),
                test.of_cells(others),
            )
            for name in curves:
                more = [] if name == "none" else [added[name].of_cells(known)]
                predicted = _predicted(RIDGE, _joined([own, *more]), asked, seed)
                errors[name].append(mae(asked.target, predicted))
        for name, found in errors.items():
            better = np.less(found, errors["none"])
            curves[name].append(
                {
                    "mae": float(np.mean(found)),
                    "mae_spread": float(np.std(found)),
                    "share_better": float(np.mean(better)),
                }
            )
    return {"cells": counts, "choices": CHOICES, "curves": curves}


def integral_leak(throughput_ah: FloatArray, target: FloatArray) -> float:
    """R2 of the best straight line from the throughput within the window to the target.

    What the inputs tell of the answer by counting coulombs alone; 0 is nothing.
    """
    return float(np.corrcoef(throughput_ah, target)[0, 1] ** 2) if np.ptp(throughput_ah) else 0.0


def _predicted(kind: str, source: Task, asked: Task, seed: int) -> FloatArray:
    model = fitted(kind, source.inputs, source.target, source.cell_ids, seed)
    return np.asarray(model.predict(np.asarray(asked.inputs, np.float64)))


def _joined(tasks: list[Task]) -> Task:
    return Task(*(np.concatenate(parts) for parts in zip(*tasks, strict=True)))
