"""How near generated charges come to measured ones: every model, look-up and oracle, every goal.

    python benchmarks/fidelity.py --attia attia --simulated simulated --work fidelity

`attia` holds the cells of Attia et al. 2020, `simulated` what `python -m data_prep.simulate
--cells 124 --cycles 100` writes. Tables go to the screen as Markdown, all numbers into
benchmarks/fidelity.json; the goals are in `fidelity_goals.py`.

- attia-sample: other charges of known cells; all are given the training and the validation split.
- simulated-sample: the same, but all are given the training split.
- attia-cell: cells never seen, in five folds that test each of them once, errors pooled over the
  folds; all are given the training and the validation split.
- simulated-cell: 30 cells of 124 never seen; all are given the training split. What a cell's
  thermocouple and cooling add to its temperature cannot be known; it makes most of the total, and
  differs from one choice of 30 cells to another. So there is also
- simulated-folds: every cell tested once, in four folds; all are given the training split.
- paper: preset paper on attia-sample, as it is: with the validation split, up to 1000 epochs.
- tsgm: the conditional beta-VAE of the package tsgm on attia-sample, where it is installed.
- physics: 10,000 charges drawn from each run of the attia parts, at the conditions of its test.

Errors are those of the mean of a condition (z = 0), CRPS and coverage are of 50 draws, four times
over, from noise of its own for each run: of one stream that all runs share the CRPS is uncertain by
2 %, the noise of the duration being the same in all of them. Numbers are
means over the seeds, behind a +- their standard deviation. What was trained or measured lies in
--work by its settings and is not done again: give a new folder after a change of the code. Parts
that were not asked for stay in the JSON as they are.
"""

import argparse
import json
import platform
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fidelity_goals import goals, goals_table, part_tables, pooled
from fidelity_work import BLIND, PAPER, PARTS, WITH_POLICY, Part, Training, Work
from tsgm_baseline import tsgm_mean, tsgm_version

from data_prep.errors import UserError
from data_prep.quiet_tensorflow import import_tensorflow
from rcvae_tf.dataset import Dataset, SplitData
from rcvae_tf.evaluation.baselines import baselines
from rcvae_tf.evaluation.draws import PRIOR_DRAWS
from rcvae_tf.evaluation.intervals import (
    interval_metrics,
    join_scores,
    sample_blocks,
    score_draws,
)
from rcvae_tf.evaluation.metrics import signal_errors
from rcvae_tf.evaluation.oracles import cell_interpolation, policy_mean, sampler_metrics
from rcvae_tf.evaluation.physics import physics_limits, violations
from rcvae_tf.evaluation.tree_baseline import extra_trees
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run, load_run
from rcvae_tf.run_directory import write_json

TOLD = {BLIND: "(EOL, ECL)", WITH_POLICY: "(EOL, ECL, policy)"}
CONDITION_WEIGHT = 0.9
PHYSICS_DRAWS = 10_000
STREAMS = 4
SAMPLES_AT_ONCE = 160

Record = dict[str, Any]


def main() -> None:
    """Measures the parts, prints the tables and writes the JSON after each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=MEASURES,
        default=list(MEASURES),
        metavar="PART",
        help=", ".join(MEASURES),
    )
    parser.add_argument("--attia", type=Path, help="folder of the measured cells")
    parser.add_argument("--simulated", type=Path, help="folder of the simulated cells")
    parser.add_argument("--work", type=Path, required=True, help="folder of data sets and runs")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, a core each")
    parser.add_argument("--train-flags", default="", help='further flags, "--epochs 2"')
    parser.add_argument("--trees", type=int, default=100, help="trees of ExtraTrees")
    arguments = parser.parse_args()
    for source in {_source(part) for part in arguments.parts}:
        if getattr(arguments, source) is None:
            parser.error(f"--{source} is needed for the parts {', '.join(arguments.parts)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the trainings too
    import_tensorflow()
    settings = {
        "seeds": arguments.seeds,
        "train_flags": arguments.train_flags.split(),
        "trees": arguments.trees,
    }
    sources = {"attia": arguments.attia, "simulated": arguments.simulated}
    work = Work(arguments.work, sources, arguments.jobs, **settings)
    facts: dict[str, Any] = {"parts": {}}
    if arguments.output.is_file():
        facts = json.loads(arguments.output.read_text(encoding="utf-8"))
    for name in arguments.parts:
        rows = pooled(MEASURES[name](work))
        facts["parts"][name] = {"python": platform.python_version(), **settings, "rows": rows}
        facts["goals"] = goals(facts["parts"])
        write_json(arguments.output, facts)
    tables = [table for name in MEASURES for table in part_tables(name, facts["parts"])]
    print(*tables, goals_table(facts["goals"]), sep="\n\n")


def measure_part(part: Part, work: Work) -> list[Record]:
    """Runs, look-ups, trees and oracles."""
    trainings = part.trainings(work)
    records = []
    for training, run in zip(trainings, work.train(trainings), strict=True):
        name = f"{training.preset} {TOLD[training.condition]}"
        records += run_records(name, training, run, work)
    for dataset in part.datasets(work):
        rows = work.kept(
            "rules", dataset, {"merged": part.merged}, partial(rules, dataset, part.merged)
        )
        records += [_record(name, dataset, None, values) for name, values in rows.items()]
        records += tree_records(dataset, part, work)
    return records


def run_records(name: str, training: Training, run: Path, work: Work) -> list[Record]:
    """What the evaluation of a run measured, and how well its draws are spread."""
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    spread = work.kept(
        "draws", training.dataset, {"run": run.name}, partial(judge_streams, run, training.dataset)
    )
    mean = {"mae": _mae(metrics["modes"]["mean"]), **spread}
    median = {"mae": _mae(metrics["modes"]["median"])}
    return [
        _record(name, training.dataset, training.seed, mean),
        _record(f"{name}, median of draws", training.dataset, training.seed, median),
    ]


def judge_streams(path: Path, dataset: Dataset) -> Record:
    """CRPS, coverage and width of 50 draws, the mean over streams of noise."""
    run = load_run(path)
    seeds = np.random.SeedSequence(list(path.name.encode())).spawn(STREAMS)
    found = [judge_stream(run, dataset.test, np.random.default_rng(seed)) for seed in seeds]
    return {
        kind: {name: float(np.mean([one[kind][name] for one in found])) for name in found[0][kind]}
        for kind in ("crps", "coverage_90", "width_90")
    }


def judge_stream(run: Run, test: SplitData, rng: np.random.Generator) -> Record:
    """The same of one stream; a block of samples at a time is in memory."""
    parts = []
    for rows in sample_blocks(len(test), SAMPLES_AT_ONCE):
        labels, steps = test.labels[rows], test.policy_steps[rows]
        drawn = run.draw_curves(
            np.tile(labels, (PRIOR_DRAWS, 1)), np.tile(steps, (PRIOR_DRAWS, 1, 1)), rng
        )
        shape = (PRIOR_DRAWS, len(labels), -1)
        measured = {name: test.curves[name][rows] for name in drawn}
        draws = {name: values.reshape(shape) for name, values in drawn.items()}
        parts.append(score_draws(draws, measured))
    scores = join_scores(parts)
    return interval_metrics(scores, {n: test.curves[n] for n in scores}, test.labels)


def rules(dataset: Dataset, merged: bool) -> dict[str, Any]:
    """Look-ups, and the oracles that the split allows."""
    known, test = dataset.known(merged), dataset.test
    looked_up = baselines(
        dataset.train, dataset.validation, test.labels, CONDITION_WEIGHT, merge_validation=merged
    )
    rows = {name: judged(test, rule.curves) for name, rule in looked_up.items()}
    if dataset.card.preparation["split"] == "sample":
        rows["cell_interpolation"] = judged(
            test, cell_interpolation(known, test.labels, test.cell_ids)
        )
        return rows
    rows["policy_mean"] = judged(test, policy_mean(known, test.labels, test.policy_steps))
    rows["policy_sampler"] = sampler_metrics(known, test, with_policy=True)
    rows["ecl_sampler"] = sampler_metrics(known, test, with_policy=False)
    return rows


def tree_records(dataset: Dataset, part: Part, work: Work) -> list[Record]:
    """ExtraTrees with the inputs of the models, a forest a seed."""
    records = []
    for condition in part.conditions:
        for seed in part.tree_seeds(work):
            told: Record = {"merged": part.merged, "condition": condition, "seed": seed}
            values = work.kept(
                "trees",
                dataset,
                {**told, "trees": work.trees},
                partial(judge_trees, dataset, num_trees=work.trees, **told),
            )
            records.append(_record(f"extra_trees {TOLD[condition]}", dataset, seed, values))
    return records


def judge_trees(
    dataset: Dataset, merged: bool, condition: str, seed: int, num_trees: int
) -> Record:
    """The MAE of one forest."""
    known, test = dataset.known(merged), dataset.test
    steps = test.policy_steps if condition == WITH_POLICY else None
    return judged(test, extra_trees(known, test.labels, steps, seed, num_trees))


def paper(work: Work) -> list[Record]:
    """Preset paper on attia-sample."""
    (dataset,) = PARTS["attia-sample"].datasets(work)
    trainings = [Training(dataset, PAPER, BLIND, seed, None) for seed in work.seeds]
    runs = work.train(trainings)
    return [
        record
        for training, run in zip(trainings, runs, strict=True)
        for record in run_records(PAPER, training, run, work)
    ]


def tsgm(work: Work) -> list[Record]:
    """The conditional beta-VAE of tsgm on attia-sample; nothing where it is not installed."""
    version = tsgm_version()
    if version is None:
        print("tsgm is not installed: its row is left out", file=sys.stderr)
        return []
    (dataset,) = PARTS["attia-sample"].datasets(work)
    records = []
    for seed in work.seeds:
        values = work.kept(
            "tsgm",
            dataset,
            {"seed": seed, "version": version},
            partial(judge_tsgm, dataset, seed),
        )
        records.append(_record(f"tsgm {version}, mean of draws", dataset, seed, values))
    return records


def judge_tsgm(dataset: Dataset, seed: int) -> Record:
    """The MAE of one training of it."""
    return judged(dataset.test, tsgm_mean(dataset.train, dataset.test.labels, seed))


def physics(work: Work) -> list[Record]:
    """Of the drawn charges of every run, and of the measured ones, the shares that break a rule."""
    records = []
    for name in ("attia-sample", "attia-cell"):
        trainings = PARTS[name].trainings(work)
        for training, run in zip(trainings, work.train(trainings), strict=True):
            values = work.kept(
                "physics",
                training.dataset,
                {"run": run.name, "draws": PHYSICS_DRAWS},
                partial(broken_by_draws, training, run),
            )
            row = f"{name}, {training.preset} {TOLD[training.condition]}"
            records.append(_record(row, training.dataset, training.seed, values))
        for dataset in PARTS[name].datasets(work):
            limits = physics_limits(dataset.card, dataset.known(PARTS[name].merged))
            values = _broken(violations(dataset.test.curves, limits))
            records.append(_record(f"{name}, measured", dataset, None, values))
    return records


def broken_by_draws(training: Training, run: Path) -> Record:
    """Shares of `PHYSICS_DRAWS` charges, drawn at the conditions of the test in turn."""
    dataset, test = training.dataset, training.dataset.test
    limits = physics_limits(dataset.card, dataset.known(bool(training.merged)))
    turns = np.arange(PHYSICS_DRAWS) % len(test)
    rng = np.random.default_rng(training.seed)
    draws = load_run(run).draw_curves(test.labels[turns], test.policy_steps[turns], rng)
    return _broken(violations(draws, limits))


MEASURES: dict[str, Callable[[Work], list[Record]]] = {
    **{name: partial(measure_part, part) for name, part in PARTS.items()},
    "physics": physics,
    "paper": paper,
    "tsgm": tsgm,
}


def judged(test: SplitData, curves: Curves) -> Record:
    """The MAE of generated curves."""
    return {"mae": _mae(signal_errors(test.curves, curves))}


def _record(name: str, dataset: Dataset, seed: int | None, values: Record) -> Record:
    return {"row": name, "seed": seed, "samples": dataset.card.num_samples("test"), **values}


def _mae(errors: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: values["mae"] for name, values in errors.items()}


def _broken(values: Record) -> Record:
    shares = {rule: share for rule, share in values.items() if rule != "curves"}
    return {"broken": {rule: share for rule, share in shares.items() if share is not None}}


def _source(part: str) -> str:
    return PARTS[part].source if part in PARTS else "attia"


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(f"fidelity.py: error: {error}") from None
