"""All rows of an ablation, those that lack, in several processes."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from data_prep.parallel import in_order
from data_prep.progress import progress_line
from rcvae_tf.ablation.directory import AblationDirectory, claim
from rcvae_tf.ablation.rows import WHOLE, check_whole
from rcvae_tf.ablation.table import total_mae, write_tables
from rcvae_tf.ablation.training import RowOutcome, RowWork, train_row
from rcvae_tf.dataset import Dataset
from rcvae_tf.presets import RunConfig

logger = logging.getLogger(__name__)

Metrics = dict[str, dict[str, Any]]


def ablate(
    whole: RunConfig,
    dataset: Dataset,
    directory: AblationDirectory,
    rows: tuple[str, ...],
    jobs: int,
    overwrite: bool = False,
) -> tuple[Metrics, dict[str, str]]:
    """Trains the rows that are not finished, and writes the tables after each.

    Args:
        whole: Settings of the row `None`.
        dataset: Prepared data.
        directory: Missing, empty, or an earlier call's.
        rows: Names from `row_names`, in the order of the table.
        jobs: Rows trained at a time; it does not change the numbers.
        overwrite: Replace an ablation that lies there.

    Returns:
        What was measured of every finished row, those of earlier calls too, in the order of the
        table; and of the rows wanted that failed, why.

    Raises:
        SettingsError: The directory is not one of these settings and this data.
    """
    check_whole(whole)
    asked = claim(directory, whole, dataset, rows, overwrite)
    finished = {row: m for row in asked if (m := directory.read_metrics(row)) is not None}
    kept = [row for row in rows if row in finished]
    if kept:
        logger.info("finished before, kept: %s", ", ".join(kept))
    # The whole model first: the lines of the others are read beside its error.
    missing = sorted((row for row in rows if row not in finished), key=lambda row: row != WHOLE)
    faults: dict[str, str] = {}
    try:
        for done, outcome in enumerate(_train(whole, dataset, directory, missing, jobs), start=1):
            place = f"[{done}/{len(missing)}]"
            # Not a log line: the moving line makes room for what is printed.
            print(place, _described(outcome, finished.get(WHOLE)), file=sys.stderr, flush=True)
            if outcome.metrics is None:
                faults[outcome.row] = outcome.fault
                continue
            finished[outcome.row] = outcome.metrics
            write_tables(directory, _sorted(finished, asked))
    except KeyboardInterrupt:
        logger.info(
            "%d of %d rows are finished and kept: %s. The same command goes on with the others.",
            *(len(finished), len(asked), ", ".join(_sorted(finished, asked)) or "none"),
        )
        raise
    write_tables(directory, _sorted(finished, asked))
    return _sorted(finished, asked), faults


def _train(
    whole: RunConfig,
    dataset: Dataset,
    directory: AblationDirectory,
    rows: list[str],
    jobs: int,
) -> Iterator[RowOutcome]:
    """Each row as it ends, in their order; a moving line where their own are not shown."""
    work = RowWork(whole, dataset.directory, os.getpid())
    places = [(row, directory.run(row)) for row in rows]
    several = min(jobs, len(rows)) > 1
    moving = progress_line("training rows", len(rows)) if several else nullcontext(lambda row: None)
    with moving as advance:
        for outcome in in_order(train_row, places, jobs, work):
            advance(outcome.row)
            yield outcome


def _described(outcome: RowOutcome, whole: dict[str, Any] | None) -> str:
    """`Decoder_8: total MAE 0.1265 (None 0.1260), 12 s`."""
    if outcome.metrics is None:
        return f"{outcome.row}: failed, {outcome.fault}"
    beside = f" ({WHOLE} {total_mae(whole):.4f})" if whole and outcome.row != WHOLE else ""
    mae = total_mae(outcome.metrics)
    return f"{outcome.row}: total MAE {mae:.4f}{beside}, {outcome.seconds:.0f} s"


def _sorted(finished: Metrics, rows: tuple[str, ...]) -> Metrics:
    return {row: finished[row] for row in rows if row in finished}
