"""The flow of the preparation; read this file first."""

import dataclasses
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from data_prep import settings
from data_prep.cleaning import charge_fault, check_units, sample_fault
from data_prep.config import PrepConfig
from data_prep.dataset_card import CARD_NAME, DatasetCard, describe_files
from data_prep.end_of_life import end_of_life
from data_prep.errors import SettingsError, SourceError
from data_prep.records import SIGNALS, Cell, Charge, Condition, DroppedCell, Rejection, Sample
from data_prep.report import CleaningReport
from data_prep.resampling import resample
from data_prep.scaling import fit_statistics
from data_prep.segmentation import charge_segment, cut_charge
from data_prep.shards import write_shards
from data_prep.sources import source
from data_prep.sources.base import SourceOptions
from data_prep.splitting import SPLITS, Split, split_samples

logger = logging.getLogger(__name__)

CellFacts = dict[str, dict[str, object]]


def prepare(config: PrepConfig) -> DatasetCard:
    """Measurements to a data set on the disk, which appears only when it is complete.

    Raises:
        UserError: Anything wrong with the measurements, the settings or the output folder.
    """
    output = Path(config.output)
    _check_output(output, config)
    reader = source(config.source)
    if config.input is not None and config.source == "demo":
        raise SettingsError(
            f"--input {config.input}: the demo lies in the package. Say what the files are with "
            f"--source, or leave out --input."
        )
    if config.input is None and config.source != "demo":
        raise SettingsError(f"--source {config.source} needs --input, the folder of its files.")
    files = reader.find_files(Path(config.input or "."))
    options = SourceOptions(nominal_capacity_ah=config.nominal_capacity_ah)
    samples, cells, report = collect(reader.read_cells(files, options), config)
    for line in report.lines():
        logger.info(line)
    if not samples:
        raise SourceError(_nothing_left(report, config))
    signals_present = _signals_present(samples)
    split = split_samples([sample.cell_id for sample in samples], config.split, config.seed)
    training = np.stack([samples[index].curves for index in split["train"]])
    return _write(
        output,
        samples,
        split,
        DatasetCard(
            source={"name": config.source, "files": describe_files(files)},
            preparation=_settings_without_places(config),
            height=config.height,
            width=config.width,
            signals_present=signals_present,
            cells=cells,
            shards={},
            statistics=fit_statistics(training, signals_present),
            cleaning=report.to_dict(),
        ),
    )


def collect(
    cells: Iterator[Cell | DroppedCell], config: PrepConfig
) -> tuple[list[Sample], CellFacts, CleaningReport]:
    """Every usable charge of every usable cell, one cell in memory at a time."""
    samples: list[Sample] = []
    facts: CellFacts = {}
    report = CleaningReport()
    for cell in cells:
        if isinstance(cell, Cell) and cell.cell_id in facts:
            raise SourceError(
                f"{cell.source_file}: a second cell of the name {cell.cell_id}. "
                f"Give one of the files another name."
            )
        outcome = _usable(cell, config)
        if isinstance(outcome, DroppedCell):
            report.drop(outcome)
            continue
        cell, eol = outcome
        logger.debug("reading %s", cell.cell_id)
        charges, rejected = charges_of_cell(cell, config.cycles)
        report.keep(cell, len(charges), rejected)
        if charges:
            facts[cell.cell_id] = _cell_facts(cell, eol, len(charges))
        for ecl, charge in charges.items():
            samples.append(_sample(cell, Condition(eol, ecl), charge, config.num_points))
    _check_excluded(config, report)
    return samples, facts, report


def charges_of_cell(cell: Cell, last: int) -> tuple[dict[int, Charge], list[tuple[int, Rejection]]]:
    """The charges of cycles 1 to `last` that are sound, by cycle number, and the other cycles.

    Raises:
        UnitError: The cell's current, time and capacity contradict one another throughout.
    """
    charges: dict[int, Charge] = {}
    rejected: list[tuple[int, Rejection]] = []
    for cycle in cell.read_cycles(last):
        fault = sample_fault(cycle)
        segment = None if fault else charge_segment(cycle)
        if fault:
            rejected.append((cycle.number, fault))
        elif segment is None:
            rejected.append((cycle.number, Rejection("no_charge", "the current never charges")))
        else:
            charges[cycle.number] = cut_charge(cycle, segment, cell.nominal_capacity_ah)
    check_units(cell, list(charges.values()))
    for number, charge in list(charges.items()):
        if fault := charge_fault(cell, charge):
            rejected.append((number, fault))
            del charges[number]
    return charges, sorted(rejected, key=lambda item: item[0])


def _usable(cell: Cell | DroppedCell, config: PrepConfig) -> tuple[Cell, int] | DroppedCell:
    """A cell with its end of life, or why it is dropped; the cycles of a dropped cell count."""
    if isinstance(cell, DroppedCell):
        return dataclasses.replace(cell, num_cycles=min(cell.num_cycles, config.cycles))
    num_cycles = min(cell.last_cycle, config.cycles)
    if cell.cell_id in config.exclude:
        detail = "left out by --exclude"
        return DroppedCell(cell.cell_id, cell.source_file, "excluded", detail, num_cycles)
    eol = end_of_life(cell, config.eol_threshold, config.eol_fallback)
    if isinstance(eol, DroppedCell):
        return DroppedCell(eol.cell_id, eol.source_file, eol.reason, eol.detail, num_cycles)
    return cell, eol


def _cell_facts(cell: Cell, eol: int, num_samples: int) -> dict[str, object]:
    return {
        "eol_cycles": eol,
        "nominal_capacity_ah": cell.nominal_capacity_ah,
        "max_voltage_v": cell.max_voltage_v,
        "charge_policy": cell.charge_policy,
        "samples": num_samples,
    }


def _sample(cell: Cell, condition: Condition, charge: Charge, num_points: int) -> Sample:
    return Sample(
        curves=resample(charge, num_points),
        condition=condition,
        cell_id=cell.cell_id,
        charge_policy=cell.charge_policy or "",
    )


def _signals_present(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The signals that every sample has; temperature is the only one that can be absent."""
    row = SIGNALS.index("temperature_degc")
    without = [sample for sample in samples if not sample.curves[row].any()]
    if not without:
        return SIGNALS
    if len(without) < len(samples):
        logger.warning(
            "temperature is left out: %d of %d charges have none, such as those of %s",
            len(without),
            len(samples),
            without[0].cell_id,
        )
        for sample in samples:
            sample.curves[row] = 0.0
    return tuple(name for name in SIGNALS if name != "temperature_degc")


def _check_output(output: Path, config: PrepConfig) -> None:
    if output.exists() and not output.is_dir():
        raise SettingsError(f"--output {output}: is a file, expected a folder to make.")
    if Path.cwd().is_relative_to(output.resolve()):
        raise SettingsError(
            f"--output {output}: is the working folder or holds it, expected a folder to make."
        )
    if output.exists() and any(output.iterdir()):
        if not config.overwrite:
            raise SettingsError(
                f"--output {output}: is not empty. Choose another folder, or add --overwrite."
            )
        if not (output / CARD_NAME).is_file():
            raise SettingsError(
                f"--output {output}: holds something else than a data set ({CARD_NAME} is "
                f"missing), which --overwrite does not delete. Choose another folder."
            )


def _check_excluded(config: PrepConfig, report: CleaningReport) -> None:
    known = {*report.kept_cycles, *(cell.cell_id for cell in report.dropped_cells)}
    unknown = [name for name in config.exclude if name not in known]
    if unknown:
        raise SettingsError(
            f"--exclude {unknown[0]}: no such cell. Cells: {', '.join(sorted(known)) or 'none'}."
        )


def _nothing_left(report: CleaningReport, config: PrepConfig) -> str:
    dropped = report.dropped_cells
    named = "; ".join(f"{cell.cell_id}: {cell.detail}" for cell in dropped[:3])
    more = f"; and {len(dropped) - 3} more" if len(dropped) > 3 else ""
    way_out = "Look at the files and at --source."
    if any(cell.reason.startswith("eol_") for cell in dropped):
        way_out = "To take the last cycle on record for the end of life, add --eol-fallback last."
    return f"no charge is left of {report.cells_read} cells ({named}{more}). {way_out}"


def _settings_without_places(config: PrepConfig) -> dict[str, object]:
    """The settings that decide the bytes; where they were read and written does not."""
    values = settings.to_dict(config)
    return {k: v for k, v in values.items() if k not in ("input", "output", "overwrite")}


def _write(output: Path, samples: list[Sample], split: Split, card: DatasetCard) -> DatasetCard:
    """Writes beside the output and renames, so that an unfinished data set is never seen."""
    directory = _folder_beside(output)
    try:
        for name in SPLITS:
            chosen = [samples[index] for index in split[name]]
            card.shards[name] = write_shards(directory, name, chosen, card.height, card.width)
        card.write(directory)
        directory.chmod(0o755)
        if output.exists():
            shutil.rmtree(output)
        os.replace(directory, output)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return card


def _folder_beside(output: Path) -> Path:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise SettingsError(
            f"--output {output}: cannot be made ({error}). Choose another folder."
        ) from error
