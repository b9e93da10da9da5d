"""Training by Algorithm 2, its steps numbered."""

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep import settings
from data_prep.dataset_card import DatasetCard
from data_prep.errors import SettingsError
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.config import RunConfig, TrainConfig
from rcvae_tf.dataset import Dataset, merge, shard_samples, training_batches, validation_batches
from rcvae_tf.evaluation.evaluate import check_same_data, evaluate
from rcvae_tf.run import Run, load_model, load_run, save_vocabulary
from rcvae_tf.run_directory import FORMAT_VERSION, RunDirectory, write_json
from rcvae_tf.training.state import TrainState, read_state

if TYPE_CHECKING:
    import keras

    from rcvae_tf.model.rcvae import RCVAE

logger = logging.getLogger(__name__)


def fit(
    config: RunConfig, dataset: Dataset, directory: RunDirectory, resume: bool = False
) -> tuple[Run, dict[str, Any]]:
    """Trains a run to its end, or on from where it stopped, and evaluates it.

    Args:
        config: Resolved settings.
        dataset: Prepared data.
        directory: Where the run lies; it exists.
        resume: Go on from the state that an earlier call left there.

    Returns:
        The run, loaded from what was saved, and its metrics.

    Paper: Algorithm 2.
    """
    import keras

    from rcvae_tf.training.callbacks import BestAndLast, training_callbacks

    training = config.training
    # Step 1: the hyperparameters come optimised, in `config`; `python -m tuning` searches them.
    # Step 2: merge the validation into the training split, and still watch it.
    splits = ("train", "validation") if training.merge_validation else ("train",)
    train = merge(dataset.train, dataset.validation) if training.merge_validation else dataset.train
    if training.merge_validation:
        logger.info("validation is part of training (Algorithm 2): val_mae is no hold-out error")
    vocabulary = Vocabulary(train.conditions, training.condition_weight)
    # Step 3: set the hyperparameters.
    keras.utils.set_random_seed(training.seed)
    state = read_state(directory.train_state) if resume else TrainState()
    if resume:
        check_same_data(directory.read_config()["data"], dataset)
        _trim_history(directory, state)
    steps_per_epoch = max(len(train) // training.batch_size, 1)
    if resume:
        model = load_model(directory.last_model)
    else:
        model = build_model(config, dataset.card, vocabulary)
        compile_model(model, training, steps_per_epoch)
        _write_facts(directory, config, dataset, vocabulary)
    # Steps 4 to 8: every epoch computes the losses, updates the weights, keeps the best model
    # and counts the epochs without a better one.
    checkpoints = BestAndLast(directory, state, training.patience)
    batches = training_batches(
        shard_samples(dataset, splits, vocabulary),
        len(train),
        vocabulary,
        training.batch_size,
        training.neighbour_share,
        training.seed + state.epochs_done,
    )
    try:
        model.fit(
            batches,
            validation_data=validation_batches(dataset.validation, vocabulary, training.batch_size),
            initial_epoch=state.epochs_done,
            epochs=training.epochs,
            callbacks=training_callbacks(config, dataset, vocabulary, directory, checkpoints),
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        checkpoints.write()
        logger.info(
            "stopped after %d epochs; go on with --output %s --resume",
            state.epochs_done,
            directory.path,
        )
        raise
    if not state.best_epoch:
        raise SettingsError(
            f"{directory.path}: val_mae was never a number in {state.epochs_done} epochs. "
            f"Lower --learning-rate. Received: learning_rate={training.learning_rate:g}."
        )
    # Step 9: the best model is saved; load it.
    run = load_run(directory.path)
    # Step 10: forward propagate on the test set.
    metrics = evaluate(run, dataset)
    write_json(directory.metrics, metrics)
    return run, metrics


def build_model(config: RunConfig, card: DatasetCard, vocabulary: Vocabulary) -> "RCVAE":
    """A model of the settings, built for the data set."""
    from rcvae_tf.model.rcvae import RCVAE

    model = RCVAE(
        model_config=settings.to_dict(config.model),
        data_facts=data_facts(card, vocabulary),
        num_conditions=len(vocabulary),
        seed=config.training.seed,
    )
    model.build()
    return model


def data_facts(card: DatasetCard, vocabulary: Vocabulary) -> dict[str, Any]:
    """What a model must know of its data, as JSON-ready values."""
    eol, ecl = vocabulary.labels.T
    statistics = {name: dataclasses.asdict(s) for name, s in card.statistics.items()}
    return {
        "statistics": statistics,
        "height": card.height,
        "width": card.width,
        "eol_mean": float(np.mean(eol)),
        "eol_spread": float(np.std(eol)) or 1.0,
        "ecl_range": float(np.max(ecl)),
    }


def compile_model(model: "RCVAE", training: TrainConfig, steps_per_epoch: int) -> None:
    """Gives the model its optimiser."""
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(_learning_rate(training, steps_per_epoch)),
        jit_compile=training.jit_compile,
    )


def _learning_rate(
    training: TrainConfig, steps_per_epoch: int
) -> "float | keras.optimizers.schedules.LearningRateSchedule":
    import keras

    if training.schedule == "constant":
        return training.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        training.learning_rate, decay_steps=training.epochs * steps_per_epoch
    )


def _trim_history(directory: RunDirectory, state: TrainState) -> None:
    """Takes out the epochs after the last checkpoint; they are made again."""
    lines = directory.history.read_text(encoding="utf-8").splitlines(keepends=True)
    directory.history.write_text("".join(lines[: 1 + state.epochs_done]), encoding="utf-8")


def _write_facts(
    directory: RunDirectory, config: RunConfig, dataset: Dataset, vocabulary: Vocabulary
) -> None:
    from rcvae_tf import __version__

    card = dataset.card
    data = {
        "directory": str(dataset.directory.resolve()),
        "source": card.source["name"],
        "preparation": card.preparation,
        "signals_present": list(card.signals_present),
        "shards": card.shards,
        "training_cells": sorted(set(dataset.train.cell_ids.tolist())),
    }
    values = {**config.to_dict(), "data": data, "rcvae_tf": __version__}
    write_json(directory.config, {"format_version": FORMAT_VERSION, **values})
    save_vocabulary(vocabulary, directory.conditions)
