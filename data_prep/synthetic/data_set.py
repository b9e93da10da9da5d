"""A data set of our own format from generated charges that come one after the other.

What the preparation knows beforehand is not known here, so that shards get their names and the
card its cells at the end; until then the cells wait in a file. Memory does not grow with the set.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.cleaning.report import CleaningReport
from data_prep.dataset_card import CARD_NAME, SHARD_SUFFIX, DatasetCard, sha256
from data_prep.protocol import policy_numbers
from data_prep.records import GENERATED, SIGNALS, Condition, FloatArray, Sample
from data_prep.scaling import RunningStatistics
from data_prep.shards import SAMPLES_PER_SHARD, ShardWriter
from data_prep.splitting import SPLITS, split_sizes
from data_prep.synthetic.charges import GeneratedCharges, GeneratedSet

# Statistics are joined over parts of one size, so that they do not depend on how charges come.
STATISTICS_AT_ONCE = 256
WAITING_CELLS = ".cells"
NO_CELLS = '\n "cells": {}'


class DataSetWriter:
    """A data set that takes charge after charge.

    Cells are dealt to the splits, or charges where there are too few cells, evenly along their
    order: it is known, one by one, where each belongs.

    Args:
        directory: Empty.
        facts: Of the whole set; three charges or more, and a nominal capacity.

    Raises:
        OSError: The place cannot be written to.
    """

    def __init__(self, directory: Path, facts: GeneratedSet) -> None:
        self._directory = directory
        self._facts = facts
        self._by_cell = facts.num_cells >= len(SPLITS)
        self._dealer = Dealer(facts.num_cells if self._by_cell else facts.num_charges)
        self._shards = {split: ShardSequence(directory, split, facts) for split in SPLITS}
        self._statistics = RunningStatistics()
        self._training: list[FloatArray] = []
        self._cells = (directory / WAITING_CELLS).open("w", encoding="utf-8")
        self._num_cells = self._num_charges = self._last_ecl = self._charges_of_cell = 0
        self._marks = {"charges_out_of_support": 0, "charges_projected": 0}

    def add(self, part: GeneratedCharges) -> None:
        """Writes charges of the cell that is being written.

        Raises:
            OSError: The disk does not take them.
        """
        curves = curves_of(part)
        for sample in _samples(part, curves):
            unit = self._num_cells if self._by_cell else self._num_charges
            split = self._dealer.split_of(unit)
            self._shards[split].write(sample)
            if split == "train":
                self._count_in(sample.curves)
            self._num_charges += 1
        self._charges_of_cell += len(part)
        self._last_ecl = max(self._last_ecl, int(part.ecl[-1]))
        self._marks["charges_out_of_support"] += int(np.count_nonzero(~part.in_support))
        self._marks["charges_projected"] += int(np.count_nonzero(part.projected))

    def end_cell(self, last: GeneratedCharges) -> None:
        """Closes a cell, all of whose charges have been added.

        Args:
            last: The last part of it.
        """
        facts = {
            "eol_cycles": last.eol,
            "eol_source": "condition",
            "nominal_capacity_ah": self._facts.nominal_capacity_ah,
            "max_voltage_v": self._facts.max_voltage_v,
            "charge_policy": last.charge_policy or None,
            "samples": self._charges_of_cell,
            "synthetic": True,
            "draw": last.draw,
            **self._marks,
        }
        comma = ",\n" if self._num_cells else "\n"
        self._cells.write(f"{comma}  {json.dumps(last.cell_id)}: {json.dumps(facts)}")
        self._num_cells += 1
        self._charges_of_cell = 0
        self._marks = dict.fromkeys(self._marks, 0)

    def close(self) -> None:
        """Completes shards and card.

        Raises:
            OSError: The disk does not take them.
        """
        self._settle_statistics()
        self._cells.close()
        shards = {split: sequence.close() for split, sequence in self._shards.items()}
        _write_card(self._directory, self._card(shards))

    def discard(self) -> None:
        """Lets go of the files, complete or not."""
        self._cells.close()
        for sequence in self._shards.values():
            sequence.discard()

    def _count_in(self, curves: FloatArray) -> None:
        self._training.append(curves)
        if len(self._training) == STATISTICS_AT_ONCE:
            self._settle_statistics()

    def _settle_statistics(self) -> None:
        if self._training:
            self._statistics.add(np.stack(self._training))
        self._training = []

    def _card(self, shards: dict[str, list[dict[str, Any]]]) -> DatasetCard:
        facts = self._facts
        counts = {
            "cells_read": self._num_cells,
            "cells_kept": self._num_cells,
            "cycles_read": self._num_charges,
            "cycles_kept": self._num_charges,
        }
        return DatasetCard(
            source={
                "name": GENERATED,
                "synthetic": True,
                "files": [],
                "provenance": dict(facts.provenance),
            },
            preparation={
                "source": GENERATED,
                "cycles": self._last_ecl,
                "split": "cell" if self._by_cell else "sample",
                "height": facts.height,
                "width": facts.width,
            },
            height=facts.height,
            width=facts.width,
            signals_present=facts.signals,
            cells={},
            shards=shards,
            statistics=self._statistics.of(facts.signals),
            cleaning={**CleaningReport().to_dict(), **counts, "rules": []},
        )


class Dealer:
    """Deals units in a row to the splits, evenly, in the sizes of `split_samples`.

    Args:
        count: Units in all, three or more.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._sizes = split_sizes(count)

    def split_of(self, unit: int) -> str:
        """The split of a unit, counted from 0."""
        num_test, num_validation = self._sizes["test"], self._sizes["validation"]
        if _is_dealt(unit, num_test, self._count):
            return "test"
        others_before = unit - unit * num_test // self._count
        others = self._count - num_test
        return "validation" if _is_dealt(others_before, num_validation, others) else "train"


class ShardSequence:
    """The shards of one split, whose number is known when it ends.

    Args:
        directory: Of the data set.
        split: In the names of the files.
        facts: Of the set.
    """

    def __init__(self, directory: Path, split: str, facts: GeneratedSet) -> None:
        self._directory, self._split = directory, split
        self._grid = (facts.height, facts.width)
        self._counts: list[int] = []
        self._writer: ShardWriter | None = None

    def write(self, sample: Sample) -> None:
        """Adds a sample, in a new shard where the last one is full."""
        if self._writer is None or self._counts[-1] == SAMPLES_PER_SHARD:
            self.discard()
            self._counts.append(0)
            self._writer = ShardWriter(self._unnamed(len(self._counts) - 1))
        self._writer.write(sample, *self._grid)
        self._counts[-1] += 1

    def close(self) -> list[dict[str, Any]]:
        """Names the shards; what the card keeps of each."""
        self.discard()
        entries = []
        for number, count in enumerate(self._counts):
            name = f"{self._split}-{number:05d}-of-{len(self._counts):05d}{SHARD_SUFFIX}"
            path = self._unnamed(number).rename(self._directory / name)
            entries.append({"name": name, "samples": count, "sha256": sha256(path)})
        return entries

    def discard(self) -> None:
        """Lets go of the shard that is being written."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()

    def _unnamed(self, number: int) -> Path:
        return self._directory / f".{self._split}-{number:05d}"


def curves_of(part: GeneratedCharges) -> FloatArray:
    """Curves as a sample has them, `(charges, len(SIGNALS), points)`; zero where not generated."""
    points = next(iter(part.curves.values())).shape[1]
    curves = np.zeros((len(part), len(SIGNALS), points), np.float32)
    for row, name in enumerate(SIGNALS):
        if name in part.curves:
            curves[:, row] = part.curves[name]
    return curves


def _samples(part: GeneratedCharges, curves: FloatArray) -> Iterator[Sample]:
    steps = policy_numbers(part.charge_policy)
    for ecl, values in zip(part.ecl.tolist(), curves, strict=True):
        condition = Condition(part.eol, ecl)
        yield Sample(values, condition, part.cell_id, part.charge_policy, steps)


def _is_dealt(unit: int, dealt: int, count: int) -> bool:
    """Whether a unit is one of so many that lie evenly among all of them."""
    return (unit + 1) * dealt // count > unit * dealt // count


def _write_card(directory: Path, card: DatasetCard) -> None:
    """The card, its cells copied from where they wait."""
    text = json.dumps(dataclasses.asdict(card), indent=1, allow_nan=False)
    head, tail = text.split(NO_CELLS)
    waiting = directory / WAITING_CELLS
    with (directory / CARD_NAME).open("w", encoding="utf-8") as file, waiting.open() as cells:
        file.write(f"{head}{NO_CELLS[:-1]}")
        file.writelines(cells)
        file.write(f"\n }}{tail}\n")
    waiting.unlink()
