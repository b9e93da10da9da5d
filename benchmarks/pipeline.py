"""How fast training batches come from the shards, beside arrays in memory and the training step.

    python benchmarks/pipeline.py --output benchmarks/pipeline.json

Made charges in as many shards as 124 cells of 100 cycles need, on the default grid, are read by
the very functions that training uses. Every round times one pass of each kind, in turn, so that
other work on the machine meets all of them; the table has medians and their ratios.

- arrays: `array_samples`, the samples held in memory by the program
- shards: `shard_samples` from the second pass on, when they come from TensorFlow's cache
- shards, first pass: read, checked by TFRecord's own sums, decoded, put into the cache
- training step: `model.fit` of preset `default`, its own batch size, on the same batches
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 12_400
BATCH_SIZE = 32
ROUNDS = 7
STEPS = 60


def main() -> None:
    """Prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(Path(folder), arguments.samples)
    rows = {name: statistics.median(values) for name, values in rates.items()}
    print(markdown(rows))
    facts = {"samples": arguments.samples, "batch_size": BATCH_SIZE, "rounds": ROUNDS}
    result = {**facts, "samples_per_second": rates, "ratios": ratios(rows)}
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def measure(folder: Path, num_samples: int) -> dict[str, list[float]]:
    """Samples a second of every kind, a value a round."""
    from rcvae_tf.conditions import Vocabulary
    from rcvae_tf.dataset import array_samples, open_dataset, shard_samples, training_batches
    from rcvae_tf.presets import resolve
    from rcvae_tf.training.fit import build_model, compile_model

    write_made_data(folder, num_samples)
    dataset = open_dataset(folder)
    config = resolve("default", None, {})
    vocabulary = Vocabulary(dataset.train.conditions, config.training.condition_weight)

    def batches(samples: Any) -> Any:
        share, seed = config.training.neighbour_share, config.training.seed
        return training_batches(samples, num_samples, vocabulary, BATCH_SIZE, share, seed)

    arrays = batches(array_samples(dataset.train, vocabulary))
    shards = batches(shard_samples(dataset, ["train"], vocabulary))
    model = build_model(config, dataset, vocabulary)
    compile_model(model, config.training, STEPS)
    kinds: dict[str, Callable[[], float]] = {
        "arrays": lambda: pass_rate(arrays),
        "shards": lambda: pass_rate(shards),
        "shards, first pass": lambda: pass_rate(
            batches(shard_samples(dataset, ["train"], vocabulary))
        ),
        "training step": lambda: step_rate(model, arrays),
    }
    for warm_up in kinds.values():
        warm_up()
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, kind in kinds.items():
            rates[name].append(kind())
    return rates


def pass_rate(batches: Any) -> float:
    """Samples a second over one pass."""
    started = time.perf_counter()
    count = sum(len(batch["condition_index"]) for batch in batches)
    return count / (time.perf_counter() - started)


def step_rate(model: Any, batches: Any) -> float:
    """Samples a second that training consumes."""
    started = time.perf_counter()
    model.fit(batches.repeat(), steps_per_epoch=STEPS, epochs=1, shuffle=False, verbose=0)
    return STEPS * BATCH_SIZE / (time.perf_counter() - started)


def write_made_data(folder: Path, num_samples: int) -> None:
    """A data set of made curves: 100 cycles a cell, every one in the training split but two."""
    from data_prep.dataset_card import DatasetCard
    from data_prep.records import SIGNALS
    from data_prep.scaling import fit_statistics
    from data_prep.shards import write_shards
    from data_prep.splitting import SPLITS

    card = DatasetCard(
        source={"name": "made", "files": []},
        preparation={"split": "sample", "cycles": 100},
        height=16,
        width=16,
        signals_present=SIGNALS,
        cells={},
        shards={},
        statistics=fit_statistics((s.curves[None] for s in made_samples(64)), SIGNALS),
        cleaning={},
    )
    counts = {"train": num_samples, "validation": 1, "test": 1}
    for split in SPLITS:
        samples = made_samples(counts[split])
        card.shards[split] = write_shards(folder, split, samples, counts[split], 16, 16)
    card.write(folder)


def made_samples(count: int) -> Iterator[Any]:
    """Smooth curves with noise; what is in them does not matter to the time."""
    from data_prep.records import Condition, Sample

    rng = np.random.default_rng(0)
    base = np.array([3.3, 3.0, 32.0, 0.5, 1200.0])[:, None] * np.linspace(0.9, 1.1, 256)
    for index in range(count):
        cell, cycle = divmod(index, 100)
        curves = (base * (1 + 0.01 * rng.standard_normal((5, 256)))).astype(np.float32)
        yield Sample(curves, Condition(400 + 10 * cell, cycle + 1), f"c{cell}")


def ratios(rates: dict[str, float]) -> dict[str, float]:
    """What the table is for."""
    return {
        "shards / arrays": rates["shards"] / rates["arrays"],
        "shards, first pass / arrays": rates["shards, first pass"] / rates["arrays"],
        "shards / training step": rates["shards"] / rates["training step"],
        "shards, first pass / training step": rates["shards, first pass"] / rates["training step"],
    }


def markdown(rates: dict[str, float]) -> str:
    """Rates and ratios as a Markdown table."""
    lines = ["| batches of 32 from | samples a second | against arrays |", "| --- | --- | --- |"]
    for name, rate in rates.items():
        lines.append(f"| {name} | {rate:,.0f} | {rate / rates['arrays']:.3f} |")
    lines += ["", *(f"{name}: {value:.3g}" for name, value in ratios(rates).items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
