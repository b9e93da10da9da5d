"""`python -m rcvae_tf.evaluate`: Table 1 of a run, next to simple baselines."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.evaluate"


@dataclass(frozen=True)
class EvaluateCommand:
    """What to evaluate."""

    run: str = setting(help="folder of the run")
    data: str | None = setting(None, help="folder of its data set, if that was moved")
    seed: int = setting(0, minimum=0, help="seed of the draws of z, and of what is pictured")
    figures: bool = setting(True, help="draw generated over measured curves into the run")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_evaluate, argv, NAME)


def _evaluate(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, EvaluateCommand)
    command = EvaluateCommand(**given)

    import_tensorflow()
    from rich.console import Console

    from rcvae_tf.dataset import open_dataset
    from rcvae_tf.evaluation.collapse import collapse_warnings
    from rcvae_tf.evaluation.pictures import draw_test_samples
    from rcvae_tf.evaluation.results import evaluate_and_write
    from rcvae_tf.report.tables import print_metrics
    from rcvae_tf.run import load_run

    run = load_run(command.run)
    dataset = open_dataset(Path(command.data or run.data["directory"]))
    metrics = evaluate_and_write(run, dataset, command.seed)
    print_metrics(metrics, Console(soft_wrap=True, highlight=False))
    for line in collapse_warnings(metrics, run.config):
        print(f"warning: {line}")
    print(f"metrics: {run.directory.metrics}")
    print(f"test samples: {run.directory.test_samples}")
    if run.directory.embeddings.is_file():
        print(f"embedding: {run.directory.embeddings}")
    if command.figures:
        for path in draw_test_samples(run, dataset.test, command.seed):
            print(f"figure: {path}")


if __name__ == "__main__":
    sys.exit(main())
