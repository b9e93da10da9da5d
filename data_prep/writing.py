"""Shards and card of what was gathered, into a folder that is there."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_prep import settings
from data_prep.cell_work import KeptCell
from data_prep.cleaning.report import CleaningReport
from data_prep.config import PrepConfig
from data_prep.dataset_card import DatasetCard, describe_files
from data_prep.gathering import Gathering
from data_prep.records import GENERATED
from data_prep.scaling import fit_statistics
from data_prep.shards import write_shards
from data_prep.sources.base import UNREADABLE
from data_prep.splitting import SPLITS, Split, split_fold, split_samples


def write_data_set(
    directory: Path,
    files: Sequence[Path],
    gathering: Gathering,
    report: CleaningReport,
    config: PrepConfig,
) -> DatasetCard:
    """Splits the samples, writes the shards and the card.

    Args:
        directory: Empty, but for the spool.
        files: That were read; those of which nothing could be read are left out of the card.
        gathering: At least three samples.
        report: Of what was kept and rejected.
        config: Its source is the name of a reader.

    Raises:
        UserError: Too few samples or cells to split, or a disk that is full.
    """
    split = _split(gathering, config)
    training = (curves for _, _, curves in gathering.curves(split["train"]))
    card = DatasetCard(
        source={
            "name": config.source,
            "files": describe_files(_read_files(files, gathering, report)),
        },
        preparation=_settings_without_places(config),
        height=config.height,
        width=config.width,
        signals_present=gathering.signals_present,
        cells={kept.cell.cell_id: _cell_facts(kept) for kept in gathering.cells.values()},
        shards={},
        statistics=fit_statistics(training, gathering.signals_present),
        cleaning=_without_folders(report.to_dict(), files),
    )
    for name in SPLITS:
        samples = gathering.samples(split[name])
        num_samples = len(split[name])
        card.shards[name] = write_shards(
            directory, name, samples, num_samples, card.height, card.width
        )
    card.write(directory)
    return card


def _split(gathering: Gathering, config: PrepConfig) -> Split:
    if config.folds is None or config.fold is None:
        return split_samples(gathering.cell_ids, config.split, config.seed)
    policies = gathering.policy_of_cell
    return split_fold(gathering.cell_ids, policies, config.folds, config.fold, config.seed)


def _read_files(files: Sequence[Path], gathering: Gathering, report: CleaningReport) -> list[Path]:
    """The files but those of which nothing could be used."""
    bad = {cell.source_file for cell in report.dropped_cells if cell.reason == UNREADABLE}
    bad -= {kept.cell.source_file for kept in gathering.cells.values()}
    return [path for path in files if path.name not in bad]


def _without_folders(cleaning: dict[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """A report in which files have their names alone, wherever they lay."""
    folders = sorted({f"{path.parent}{os.sep}" for path in files})

    def named(text: str) -> str:
        return functools.reduce(lambda rest, folder: rest.replace(folder, ""), folders, text)

    dropped = [{**cell, "detail": named(cell["detail"])} for cell in cleaning["cells_dropped"]]
    return {**cleaning, "cells_dropped": dropped}


def _cell_facts(kept: KeptCell) -> dict[str, object]:
    cell = kept.cell
    return {
        "eol_cycles": kept.eol,
        "eol_source": kept.eol_source,
        "nominal_capacity_ah": cell.nominal_capacity_ah,
        "max_voltage_v": cell.max_voltage_v,
        "charge_policy": cell.charge_policy,
        "samples": len(kept.cycles),
        "synthetic": cell.origin == GENERATED,
    }


def _settings_without_places(config: PrepConfig) -> dict[str, object]:
    """The settings that decide the bytes; where and how fast they were made does not."""
    others = ("input", "output", "overwrite", "jobs", "figures")
    return {k: v for k, v in settings.to_dict(config).items() if k not in others}
