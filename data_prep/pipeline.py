"""The flow of the preparation; read this file first."""

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from data_prep.cell_work import KeptCell, read_and_spool
from data_prep.cleaning.report import CleaningReport
from data_prep.config import AUTO, DEMO_OUTPUT, PrepConfig
from data_prep.dataset_card import DatasetCard
from data_prep.errors import SettingsError
from data_prep.gathering import Gathering
from data_prep.output_folder import check_output, made_beside
from data_prep.parallel import in_order
from data_prep.pictures import draw_pictures
from data_prep.progress import progress_line
from data_prep.records import DroppedCell
from data_prep.refusals import refuse_bad_files, refuse_nothing, refuse_twins, refuse_unknown_names
from data_prep.sources import source
from data_prep.sources.base import CellPlace
from data_prep.sources.detection import detect, other_files
from data_prep.spool import Spool, spool_in
from data_prep.writing import write_data_set

logger = logging.getLogger(__name__)

# Fewer bytes are read before other processes have started.
PARALLEL_FROM_BYTES = 5e6


def prepare(config: PrepConfig) -> DatasetCard:
    """Measurements to a data set on the disk, which appears only when it is complete.

    Raises:
        UserError: Anything wrong with the measurements, the settings or the output folder.
    """
    config = _settled(config)
    output = Path(config.output or DEMO_OUTPUT)
    check_output(output, config.overwrite, None if config.input is None else Path(config.input))
    files = source(config.source).find_files(Path(config.input or "."))
    _say_what_is_read(config, files)
    places = list(source(config.source).list_cells(files, config.source_options))
    refuse_twins(places)
    with made_beside(output) as directory:
        spool = spool_in(directory, config.num_points)
        gathering, report = gather(files, places, config, spool)
        _say_what_came_of_it(gathering, report)
        if not config.skip_bad_files:
            refuse_bad_files(report)
        refuse_nothing(gathering.num_samples, report)
        card = write_data_set(directory, files, gathering, report, config)
        if config.figures:
            draw_pictures(directory, gathering, report, config.eol_threshold)
        spool.remove()
    return card


def gather(
    files: Sequence[Path],
    places: Sequence[CellPlace | DroppedCell],
    config: PrepConfig,
    spool: Spool,
) -> tuple[Gathering, CleaningReport]:
    """Every usable charge of every usable cell, one cell in memory at a time in each process."""
    report = CleaningReport(without_rules=config.without_rules)
    kept: dict[int, KeptCell] = {}
    jobs = config.jobs or _num_jobs(files)
    outcomes = in_order(read_and_spool, list(enumerate(places)), jobs, config, spool)
    with progress_line("reading cells", len(places)) as advance:
        for number, (place, outcome) in enumerate(zip(places, outcomes, strict=True)):
            advance(place.cell_id)
            if isinstance(outcome, DroppedCell):
                report.drop(outcome)
                continue
            report.keep(
                outcome.cell,
                len(outcome.cycles),
                outcome.rejected,
                outcome.repairs,
                outcome.left_out_ah,
            )
            if outcome.cycles:
                kept[number] = outcome
    refuse_unknown_names(config.exclude, report)
    return Gathering(kept, spool), report


def _settled(config: PrepConfig) -> PrepConfig:
    """With the source named.

    Raises:
        SettingsError: No input for a source that needs one, or one for the demo.
        SourceError: The files do not tell what they are.
    """
    for name in ("input", "output"):
        if getattr(config, name) == "":
            raise SettingsError(f"--{name} is empty. Give a folder, or leave --{name} out.")
    if config.input is None:
        if config.source not in (AUTO, "demo"):
            raise SettingsError(f"--source {config.source} needs --input, the folder of its files.")
        return dataclasses.replace(config, source="demo")
    if config.source == "demo":
        raise SettingsError(
            f"--input {config.input}: the demo lies in the package. Say what the files are with "
            f"--source, or leave out --input."
        )
    if config.output is None:
        raise SettingsError("--input needs --output, the folder of the data set to make.")
    name = detect(Path(config.input)) if config.source == AUTO else config.source
    return dataclasses.replace(config, source=name)


def _say_what_is_read(config: PrepConfig, files: Sequence[Path]) -> None:
    plural = "" if len(files) == 1 else "s"
    logger.info("source: %s (%d file%s)", config.source, len(files), plural)
    others = other_files(Path(config.input), files) if config.input else []
    if others:
        named = ", ".join(path.name for path in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        logger.warning("not read, of another format: %s%s", named, more)


def _num_jobs(files: Sequence[Path]) -> int:
    small = sum(path.stat().st_size for path in files if path.is_file()) < PARALLEL_FROM_BYTES
    return 1 if small else os.cpu_count() or 1


def _say_what_came_of_it(gathering: Gathering, report: CleaningReport) -> None:
    for line in report.lines():
        logger.info(line)
    without = gathering.without_temperature()
    num_without = sum(count for _, count in without)
    if 0 < num_without < gathering.num_samples:
        logger.warning(
            "temperature is left out: %d of %d charges have none, such as those of %s",
            num_without,
            gathering.num_samples,
            without[0][0],
        )
