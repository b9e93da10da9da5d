"""A plan to files, a block of charges at a time; the memory does not grow with their number."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from data_prep.progress import progress_line
from rcvae_tf.cards import data_card
from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.generation.drawing import check_plan, draw_blocks
from rcvae_tf.generation.formats import ChargeWriter
from rcvae_tf.generation.output import CARD, INDICATORS, SIDECAR, Output
from rcvae_tf.generation.plan import Plan
from rcvae_tf.generation.projection import ProjectionTally, limits_of, project
from rcvae_tf.generation.sidecar import set_facts
from rcvae_tf.generation.size import check_size
from rcvae_tf.indicators.writing import IndicatorWriter
from rcvae_tf.run import Run
from rcvae_tf.run_directory import write_json

BLOCKS_WAITING = 2


@dataclass(frozen=True)
class Drawing:
    """How charges are drawn.

    Args:
        seed: Same seed, same charges.
        mean: The expected charge of each condition in place of draws.
        noise: As `drawing.draw_blocks`.
        project: Repair what breaks physics.
    """

    seed: int
    mean: bool = False
    noise: str = "charge"
    project: bool = False


def blocks_of(
    run: Run, plan: Plan, drawing: Drawing, tally: ProjectionTally
) -> Iterator[ChargeBlock]:
    """The charges as they are to be written.

    Args:
        run: A trained run.
        plan: What is wanted.
        drawing: How.
        tally: Takes up what was repaired.
    """
    limits = limits_of(run)
    for block in draw_blocks(run, plan, drawing.seed, mean=drawing.mean, noise=drawing.noise):
        if drawing.project:
            curves, report = project(block.curves, limits)
            tally.add(report)
            block = replace(block, curves=curves, projected=report.changed)
        yield block


def prepare_set(
    run: Run, plan: Plan, drawing: Drawing, output: Output, extrapolate: bool, agreed: bool
) -> SetFacts:
    """What is known of a data set before its first charge, where nothing speaks against it.

    Args:
        run: A trained run.
        plan: What is wanted.
        drawing: How.
        output: Where to.
        extrapolate: Generate also beyond the EOL and ECL of the training data.
        agreed: Whether a set that takes much of the disk is wanted.

    Raises:
        SettingsError: A policy that does not fit the run, or too large a set.
        ConditionError: A condition beyond the training data.
    """
    check_plan(run, plan, extrapolate)
    facts = set_facts(run, plan, _as_json(drawing))
    check_size(facts, output.format, agreed)
    return facts


def write_set(
    run: Run,
    plan: Plan,
    drawing: Drawing,
    output: Output,
    facts: SetFacts,
    with_indicators: bool,
) -> ProjectionTally:
    """Generates a data set and writes it with its sidecar and its card.

    Args:
        run: A trained run.
        plan: What is wanted.
        drawing: How.
        output: Where to; its `check` found nothing.
        facts: From `prepare_set`.
        with_indicators: Whether the state indicators of every charge are written beside.

    Raises:
        SettingsError: The format needs what the run does not know, or the disk is full.
    """
    tally = ProjectionTally()
    data_name = "" if output.format.is_folder else output.path.name
    with output.made() as folder:
        writers: list[ChargeWriter] = [output.format.open(folder / data_name, facts)]
        if with_indicators:
            writers.append(IndicatorWriter(folder / output.beside(INDICATORS), facts))
        with (
            _closed(writers),
            _in_thread(writers) as add,
            progress_line("charges", plan.num_charges) as advance,
        ):
            for block in blocks_of(run, plan, drawing, tally):
                add(block)
                advance(block.cell_ids[-1], len(block))
        _write_beside(folder, output, facts, tally)
    return tally


@contextmanager
def _closed(writers: list[ChargeWriter]) -> Iterator[None]:
    """Completes what was written, or lets go of it where something went wrong."""
    try:
        yield
        for writer in writers:
            writer.close()
    except BaseException:
        for writer in writers:
            writer.discard()
        raise


@contextmanager
def _in_thread(writers: list[ChargeWriter]) -> Iterator[Callable[[ChargeBlock], None]]:
    """Takes blocks to be written while the next one is drawn; few of them wait."""
    waiting: Queue[ChargeBlock | None] = Queue(BLOCKS_WAITING)
    faults: list[BaseException] = []

    def work() -> None:
        while (block := waiting.get()) is not None:
            try:
                if not faults:
                    for writer in writers:
                        writer.add(block)
            except BaseException as fault:  # raised again where the blocks come from
                faults.append(fault)

    def add(block: ChargeBlock) -> None:
        if faults:
            raise faults[0]
        waiting.put(block)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield add
    finally:
        waiting.put(None)
        thread.join()
    if faults:
        raise faults[0]


def _write_beside(folder: Path, output: Output, facts: SetFacts, tally: ProjectionTally) -> None:
    """The card, and the sidecar that lists all files."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    card = data_card(facts, files, output.format.name)
    (folder / output.beside(CARD)).write_text(card, encoding="utf-8")
    sidecar = {
        **facts.provenance,
        "projection": tally.to_dict(),
        "format": output.format.name,
        "points": facts.height * facts.width,
        "signals": list(facts.signals),
        "nominal_capacity_ah": facts.nominal_capacity_ah,
        "max_voltage_v": facts.max_voltage_v,
        "files": sorted([*files, output.beside(CARD)]),
    }
    write_json(folder / output.beside(SIDECAR), sidecar)


def _as_json(drawing: Drawing) -> dict[str, Any]:
    return {
        "seed": drawing.seed,
        "mean": drawing.mean,
        "noise": drawing.noise,
        "projected": drawing.project,
    }
