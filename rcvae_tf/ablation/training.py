"""One row trained, in whatever process."""

import functools
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import UserError
from data_prep.quiet_tensorflow import import_tensorflow
from rcvae_tf.ablation.rows import row_config
from rcvae_tf.dataset import open_dataset
from rcvae_tf.presets import RunConfig
from rcvae_tf.run_directory import RunDirectory


@dataclass(frozen=True)
class RowWork:
    """What a process must know to train rows.

    Args:
        whole: Settings of the row `None`.
        data: Folder of the data set.
        parent: Id of the process that gathers the rows.
    """

    whole: RunConfig
    data: Path
    parent: int


@dataclass(frozen=True)
class RowOutcome:
    """How the training of a row ended.

    Args:
        row: Its name.
        metrics: What was measured; None where it failed.
        fault: Why it failed.
        seconds: How long it took.
    """

    row: str
    metrics: dict[str, Any] | None
    fault: str
    seconds: float


def train_row(place: tuple[str, RunDirectory], work: RowWork) -> RowOutcome:
    """Trains a row, or goes on with it where an earlier call was ended.

    Args:
        place: Name of the row, and where its run lies.
        work: Shared by all rows.
    """
    row, directory = place
    aside = os.getpid() != work.parent
    if aside:
        _end_with(work.parent)
    _start_tensorflow()
    import keras

    from rcvae_tf.training.fit import fit

    directory.path.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    metrics, fault = None, ""
    try:
        with _training_log(directory.log, aside):
            config, dataset = row_config(work.whole, row), open_dataset(work.data)
            _, metrics = fit(config, dataset, directory, resume=directory.config.is_file())
    except UserError as error:
        fault = str(error)
    # The next row in this process must find neither the memory nor the names of this one.
    keras.backend.clear_session()
    gc.collect()
    return RowOutcome(row, metrics, fault, time.monotonic() - begun)


def _start_tensorflow() -> None:
    """TensorFlow on one thread, whether one row is trained at a time or many.

    Rows that are trained at the same time would fight for the cores, and compiled code sums in
    another order on more threads: the numbers of a row would depend on how many run beside it.
    """
    if "tensorflow" in sys.modules:
        return
    tensorflow = import_tensorflow()
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    # It warns of functions that are traced again and again; every row has its own.
    tensorflow.get_logger().setLevel(logging.ERROR)


@contextmanager
def _training_log(path: Path, aside: bool) -> Iterator[None]:
    """Writes what a training says into a file; from a process aside it goes nowhere else."""
    logger = logging.getLogger()
    level = logger.level
    with path.open("a", encoding="utf-8") as file, ExitStack() as stack:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        if aside:
            stack.enter_context(redirect_stderr(file))
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


@functools.cache
def _end_with(parent: int) -> None:
    """Ends this process soon after its parent was killed: the next call trains the same row."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
