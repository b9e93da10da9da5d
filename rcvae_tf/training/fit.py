"""Training by Algorithm 2, its steps numbered."""

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep import settings
from data_prep.dataset_card import DatasetCard
from data_prep.errors import SettingsError
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.config import TrainConfig
from rcvae_tf.dataset import (
    Dataset,
    SplitData,
    array_samples,
    shard_samples,
    training_batches,
    validation_batches,
)
from rcvae_tf.evaluation.evaluate import check_same_data
from rcvae_tf.evaluation.results import evaluate_and_write
from rcvae_tf.presets import RunConfig
from rcvae_tf.run import Run, load_model, load_run, save_model, save_vocabulary
from rcvae_tf.run_directory import FORMAT_VERSION, RunDirectory, write_json
from rcvae_tf.training.state import TrainState, read_state

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from rcvae_tf.model.rcvae import RCVAE
    from rcvae_tf.training.callbacks import BestAndLast

logger = logging.getLogger(__name__)


def fit(
    config: RunConfig, dataset: Dataset, directory: RunDirectory, resume: bool = False
) -> tuple[Run, dict[str, Any]]:
    """Trains a run to its end, or on from where it stopped, and evaluates it.

    Args:
        config: Resolved settings.
        dataset: Prepared data.
        directory: Where the run lies; it exists.
        resume: Go on from the state that an earlier call left there; from the beginning where it
            was ended before its first epoch was.

    Returns:
        The run, loaded from what was saved, and its metrics.

    Paper: Algorithm 2.
    """
    import keras

    from rcvae_tf.training.callbacks import BestAndLast, training_callbacks

    training = config.training
    # Step 1: the hyperparameters come optimised, in `config`; `python -m tuning` searches them.
    # Step 2: join the validation to the training split, and still watch it.
    train = dataset.known(training.merge_validation)
    if training.shuffle_labels:
        train = shuffle_labels(train, training.seed)
    if training.merge_validation:
        logger.info("validation is part of training (Algorithm 2): val_mae is no hold-out error")
    vocabulary = Vocabulary(train.conditions, training.condition_weight)
    if resume:
        check_same_data(directory.read_config()["data"], dataset)
    # Step 3: set the hyperparameters.
    keras.utils.set_random_seed(training.seed)
    # Counter = 0, or where an earlier call left it. One that was killed before the end of its
    # first epoch left none.
    if resume and directory.train_state.is_file():
        state = read_state(directory.train_state)
        _trim_history(directory, state)
        model = load_model(directory.last_model)
    else:
        state = TrainState()
        _write_facts(directory, config, dataset, vocabulary)
        model = build_model(config, dataset, vocabulary)
        compile_model(model, training, max(len(train) // training.batch_size, 1))
    # Steps 4 to 8, every epoch: `RCVAE.train_step` computes the training loss (4), its gradients
    # (5) and updates the parameters (6), `RCVAE.test_step` computes the validation loss (4),
    # `BestAndLast` keeps the best model (7) and stops when the counter runs out (8).
    checkpoints = BestAndLast(directory, state, training.patience, training.keep)
    _run_epochs(
        model,
        _training_batches(dataset, train, vocabulary, training, state.epochs_done),
        validation_batches(dataset.validation, vocabulary, training.batch_size),
        training_callbacks(config, dataset, vocabulary, directory, checkpoints),
        training.epochs,
        checkpoints,
    )
    if not state.best_epoch:
        raise SettingsError(
            f"{directory.path}: val_mae was never a number in {state.epochs_done} epochs. "
            f"Lower --learning-rate. Received: learning_rate={training.learning_rate:g}."
        )
    _measure_joint_noise(config, train, vocabulary, directory)
    # Step 9: the best model was saved when training ended; load it.
    run = load_run(directory.path)
    # Step 10: forward propagate on the test set, compute the test loss.
    return run, evaluate_and_write(run, dataset)


def _training_batches(
    dataset: Dataset,
    train: SplitData,
    vocabulary: Vocabulary,
    training: TrainConfig,
    epochs_done: int,
) -> "tf.data.Dataset":
    """Batches of the samples that are trained on, of the shards or with permuted labels."""
    if training.shuffle_labels:
        samples = array_samples(train, vocabulary)
    else:
        splits = ("train", "validation") if training.merge_validation else ("train",)
        samples = shard_samples(dataset, splits, vocabulary)
    return training_batches(
        samples,
        len(train),
        vocabulary,
        training.batch_size,
        training.neighbour_share,
        training.seed + epochs_done,
    )


def _measure_joint_noise(
    config: RunConfig, train: SplitData, vocabulary: Vocabulary, directory: RunDirectory
) -> None:
    """What is common to the deviations of training charges, of the model that is kept."""
    from rcvae_tf.training.joint_noise import measure_joint_noise

    if config.model.decoder != "canvas" or not config.model.noise_factors:
        return
    model = load_model(directory.model)
    measure_joint_noise(model, validation_batches(train, vocabulary, config.training.batch_size))
    save_model(model, directory.model)


def shuffle_labels(data: SplitData, seed: int) -> SplitData:
    """The same curves under labels of one another: what labels teach is lost, all else stays."""
    order = np.random.default_rng(seed).permutation(len(data))
    return dataclasses.replace(data, labels=data.labels[order])


def _run_epochs(
    model: "RCVAE",
    batches: "tf.data.Dataset",
    watched: "tf.data.Dataset",
    callbacks: "list[keras.callbacks.Callback]",
    epochs: int,
    checkpoints: "BestAndLast",
) -> None:
    """Trains; what was learnt is saved also where the user ends it."""
    state = checkpoints.state
    if state.counter >= checkpoints.patience:
        return  # ended by step 8 before, and killed in what follows it
    epochs_before = state.epochs_done
    try:
        model.fit(
            batches,
            validation_data=watched,
            initial_epoch=epochs_before,
            epochs=epochs,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        if state.epochs_done > epochs_before:
            checkpoints.write()
        logger.info(
            "stopped after %d epochs; go on with --output %s --resume",
            state.epochs_done,
            checkpoints.directory.path,
        )
        raise


def build_model(config: RunConfig, dataset: Dataset, vocabulary: Vocabulary) -> "RCVAE":
    """A model of the settings, built for the data set.

    Raises:
        DatasetError: The data set lacks a signal or a policy that the model needs.
    """
    from rcvae_tf.model.canvas_rcvae import CanvasRCVAE
    from rcvae_tf.model.rcvae import RCVAE

    model_class = CanvasRCVAE if config.model.decoder == "canvas" else RCVAE
    model = model_class(
        model_config=settings.to_dict(config.model),
        data_facts=data_facts(config, dataset, vocabulary),
        num_conditions=len(vocabulary),
        seed=config.training.seed,
    )
    model.build()
    return model


def data_facts(config: RunConfig, dataset: Dataset, vocabulary: Vocabulary) -> dict[str, Any]:
    """What a model must know of its data, as JSON-ready values."""
    from rcvae_tf.training.canvas_facts import canvas_facts

    card, model = dataset.card, config.model
    eol, ecl = vocabulary.labels.T
    facts: dict[str, Any] = {
        "statistics": {name: dataclasses.asdict(s) for name, s in card.statistics.items()},
        "height": card.height,
        "width": card.width,
        "eol_mean": float(np.mean(eol)),
        "eol_spread": float(np.std(eol)) or 1.0,
        "ecl_range": float(np.max(ecl)),
        "nominal_capacity_ah": nominal_capacity_ah(card),
    }
    if model.decoder == "canvas":
        train = dataset.known(config.training.merge_validation)
        facts["canvas"] = canvas_facts(
            train, facts["nominal_capacity_ah"], model.num_knots, model.with_policy
        )
    return facts


def nominal_capacity_ah(card: DatasetCard) -> float:
    """1 C in A: the median over the cells of a data set, which are usually of one type."""
    return float(np.median([cell["nominal_capacity_ah"] for cell in card.cells.values()]))


def compile_model(model: "RCVAE", training: TrainConfig, steps_per_epoch: int) -> None:
    """Gives the model its optimiser."""
    import keras

    average = {"use_ema": True, "ema_momentum": training.average_decay}
    common = {
        "learning_rate": _learning_rate(training, steps_per_epoch),
        "clipnorm": training.clip_norm or None,
        **(average if training.average_decay else {}),
    }
    if training.weight_decay:
        optimizer = keras.optimizers.AdamW(weight_decay=training.weight_decay, **common)
    else:
        optimizer = keras.optimizers.Adam(**common)
    model.compile(optimizer=optimizer, jit_compile=training.jit_compile)
    # Else its variables are made while the first step is traced, which is then traced again.
    model.optimizer.build(model.trainable_variables)


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


def _training_policies(dataset: Dataset) -> list[str]:
    """Charge policies of the training cells, where the data set knows them."""
    cells = dataset.card.cells
    names = set(dataset.train.cell_ids.tolist())
    policies = {cells[name].get("charge_policy") or "" for name in names if name in cells}
    return sorted(policies - {""})


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
        "training_policies": _training_policies(dataset),
    }
    values = {**config.to_dict(), "data": data, "rcvae_tf": __version__}
    write_json(directory.config, {"format_version": FORMAT_VERSION, **values})
    save_vocabulary(vocabulary, directory.conditions)
