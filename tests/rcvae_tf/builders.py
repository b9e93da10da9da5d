"""A tiny made data set, and settings under which a training takes a few seconds."""

import numpy as np

from data_prep.dataset_card import DatasetCard
from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS, Condition, Sample
from data_prep.scaling import fit_statistics
from data_prep.shards import write_shards
from data_prep.splitting import SPLITS, split_samples
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import open_dataset
from rcvae_tf.presets import resolve
from rcvae_tf.training.fit import build_model

HEIGHT, WIDTH = 4, 4
NUM_POINTS = HEIGHT * WIDTH
EOL_OF_CELL = {"made_0": 400, "made_1": 500, "made_2": 650, "made_3": 900}
# One, none, two and three fast steps, all of them over before the shortest charge is.
POLICY_OF_CELL = {
    "made_0": "4.8C(80%)",
    "made_1": "4C",
    "made_2": "5.4C(40%)-3.6C",
    "made_3": "6C(20%)-5C(50%)-4C",
}
NOMINAL_CAPACITY_AH = 1.1
NUM_CYCLES = 6
WITHOUT_TEMPERATURE = tuple(name for name in SIGNALS if name != "temperature_degc")
TINY = {
    "hidden_dim": 8,
    "num_hidden_layers": 2,
    "latent_dim": 2,
    "embedding_dim": 4,
    "num_knots": 24,
    "num_frequencies": 2,
    "batch_size": 5,
    "jit_compile": False,
}


def made_curves(eol, ecl, signals_present=SIGNALS):
    """A charge of 16 points; every signal depends on the condition."""
    grid = np.linspace(0.0, 1.0, NUM_POINTS)
    curves = {
        "voltage_v": 3.0 + 0.6 * grid + 1e-4 * eol + 1e-3 * ecl,
        "current_c_rate": 5.0 - 4.0 * grid + 0.01 * ecl + 1e-3 * eol,
        "temperature_degc": 30.0 + 5.0 * grid**2 - 2e-3 * eol + 0.1 * ecl,
        "charge_capacity_ah": 1.1 * grid * (1.0 - ecl / 100.0),
        "elapsed_time_s": grid * (2000.0 + eol + 10.0 * ecl),
    }
    rows = [values if name in signals_present else 0.0 * values for name, values in curves.items()]
    return np.stack(rows).astype(np.float32)


def made_samples(signals_present=SIGNALS):
    return [
        Sample(
            made_curves(eol, ecl, signals_present),
            Condition(eol, ecl),
            cell_id,
            POLICY_OF_CELL[cell_id],
            policy_numbers(POLICY_OF_CELL[cell_id]),
        )
        for cell_id, eol in EOL_OF_CELL.items()
        for ecl in range(1, NUM_CYCLES + 1)
    ]


def made_cells():
    """What the card says of each cell."""
    return {
        cell_id: {
            "eol_cycles": eol,
            "nominal_capacity_ah": NOMINAL_CAPACITY_AH,
            "max_voltage_v": 3.7,
            "charge_policy": POLICY_OF_CELL[cell_id],
        }
        for cell_id, eol in EOL_OF_CELL.items()
    }


def write_dataset(directory, signals_present=SIGNALS):
    """24 samples of 4 cells, split into 15 for training, 3 for validation, 6 for test."""
    directory.mkdir(parents=True)
    samples = made_samples(signals_present)
    split = split_samples([sample.cell_id for sample in samples], "sample", seed=0)
    training = np.stack([samples[index].curves for index in split["train"]])
    card = DatasetCard(
        source={"name": "made", "files": []},
        preparation={"split": "sample", "cycles": NUM_CYCLES},
        height=HEIGHT,
        width=WIDTH,
        signals_present=signals_present,
        cells=made_cells(),
        shards={},
        statistics=fit_statistics([training], signals_present),
        cleaning={},
    )
    for name in SPLITS:
        chosen = [samples[index] for index in split[name]]
        card.shards[name] = write_shards(directory, name, chosen, len(chosen), HEIGHT, WIDTH)
    card.write(directory)
    return open_dataset(directory)


def tiny_config(preset="default", **flags):
    return resolve(preset, None, {**TINY, "epochs": 2, **flags})


def tiny_model(dataset, preset="default", **flags):
    """An untrained model of a preset, and the vocabulary of the training split."""
    config = tiny_config(preset, **flags)
    vocabulary = Vocabulary(dataset.train.conditions, config.training.condition_weight)
    return build_model(config, dataset, vocabulary), vocabulary


def randomise(model, seed=0, scale=0.3):
    """Gives every trainable weight a value, also those that start at zero."""
    rng = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(rng.normal(0.0, scale, weight.shape))
    return model
