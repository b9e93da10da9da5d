"""What goes with an exported model beside its graph: facts of the run, measured charges."""

from pathlib import Path

import numpy as np

from data_prep.errors import DatasetError
from rcvae_tf.dataset import SplitData, open_dataset
from rcvae_tf.evaluation.evaluate import check_same_data
from rcvae_tf.generation.sidecar import generator, max_voltage_v
from rcvae_tf.run import Run, conditions_on_policy
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.servable.measured import Measured


def facts_of_run(run: Run) -> ServedFacts:
    """What is said of a run where only its export is at hand."""
    facts = run.model.data_facts
    low, high = (side.tolist() for side in run.vocabulary.label_range)
    statistics = facts["statistics"]
    return ServedFacts(
        preset=run.config.preset,
        split=run.data["preparation"]["split"],
        signals=run.model.signals_present,
        height=facts["height"],
        width=facts["width"],
        latent_dim=run.latent_dim,
        eol_range=(low[0], high[0]),
        ecl_range=(low[1], high[1]),
        num_conditions=len(run.vocabulary),
        condition_weight=run.vocabulary.weight,
        with_policy=conditions_on_policy(run),
        training_policies=tuple(run.data.get("training_policies", ())),
        most_fast_steps=facts.get("canvas", {}).get("num_fast_steps", 0),
        nominal_capacity_ah=facts.get("nominal_capacity_ah"),
        max_voltage_v=max_voltage_v(run),
        signal_ranges={
            name: [statistics[name]["minimum"], statistics[name]["maximum"]]
            for name in run.model.signals_present
        },
        provenance=generator(run),
    )


def measured_of_run(run: Run, data: Path | None, most: int) -> Measured | None:
    """Charges of the training split, for people to lay generated ones over.

    Args:
        run: A trained run.
        data: Folder of its data set; None takes the one that it was trained on.
        most: So many at the most, evenly over the conditions.

    Returns:
        None where no folder was given and there is no data set any more.

    Raises:
        DatasetError: No data set at `data`, or another one than that of the training.
    """
    try:
        dataset = open_dataset(Path(run.data["directory"]) if data is None else data)
        check_same_data(run.data, dataset)
    except DatasetError:
        if data is None:
            return None
        raise
    train = dataset.train
    rows = _evenly(train, most)
    names = [name for name in run.model.signals_present if name in train.curves]
    policies = [dataset.card.cells[cell]["charge_policy"] or "" for cell in train.cell_ids[rows]]
    return Measured(
        curves={name: train.curves[name][rows].astype(np.float32) for name in names},
        labels=train.labels[rows],
        cell_ids=train.cell_ids[rows],
        policies=np.array(policies, np.str_),
        condition_weight=run.vocabulary.weight,
    )


def _evenly(train: SplitData, most: int) -> np.ndarray:
    order = np.lexsort((train.cell_ids, train.labels[:, 1], train.labels[:, 0]))
    count = min(most, len(order))
    return order[np.linspace(0, len(order) - 1, count).round().astype(int)]
