"""Which charges are wanted, cell by cell: from flags or from a file of conditions."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import ConditionError, SettingsError
from data_prep.records import MOST_CYCLES, Condition

COLUMNS = ("eol", "ecl", "policy")


@dataclass(frozen=True)
class Life:
    """What is wanted of the cells of one EOL and one policy.

    Args:
        eol: Cycle life.
        policy: Charge policy; empty where the run is not conditioned on it.
        ages: ECL of each charge, ascending.
    """

    eol: int
    policy: str
    ages: tuple[int, ...]


class Rows(NamedTuple):
    """Some charges of a plan, each argument by charge.

    Args:
        lives: Number of the `Life`.
        labels: EOL and ECL, shape `(charges, 2)`.
        draws: Number of the draw, from 1.
    """

    lives: NDArray
    labels: NDArray
    draws: NDArray


@dataclass(frozen=True)
class Plan:
    """Charges in order: life after life, in each draw after draw, of each its ages.

    A draw of a life is a synthetic cell.

    Args:
        lives: At least one.
        samples: Draws of each condition.
    """

    lives: tuple[Life, ...]
    samples: int

    @property
    def num_cells(self) -> int:
        """Synthetic cells."""
        return len(self.lives) * self.samples

    @property
    def num_conditions(self) -> int:
        """Different ones, a policy making a difference."""
        return sum(len(life.ages) for life in self.lives)

    @property
    def num_charges(self) -> int:
        """Charges in all."""
        return self.num_conditions * self.samples

    @cached_property
    def labels(self) -> NDArray:
        """EOL and ECL of every condition, shape `(num_conditions, 2)`."""
        eol = np.repeat([life.eol for life in self.lives], self._num_ages)
        return np.stack([eol, np.concatenate([life.ages for life in self.lives])], axis=1)

    def rows(self, start: int, stop: int) -> Rows:
        """The charges numbered `start` to `stop - 1`, from 0."""
        number = np.arange(start, stop)
        lives = np.searchsorted(self._ends, number, side="right")
        first_condition = np.concatenate([[0], np.cumsum(self._num_ages)])[lives]
        within = number - first_condition * self.samples
        draw, age = np.divmod(within, self._num_ages[lives])
        return Rows(lives, self.labels[first_condition + age], draw + 1)

    def cell_id(self, life: int, draw: int) -> str:
        """The name of a synthetic cell; the policy is numbered where one EOL has several."""
        eol = self.lives[life].eol
        same = [k for k, other in enumerate(self.lives) if other.eol == eol]
        policy = f"_p{same.index(life) + 1}" if len(same) > 1 else ""
        return f"synthetic_eol{eol}{policy}_{draw}"

    @cached_property
    def _num_ages(self) -> NDArray:
        return np.array([len(life.ages) for life in self.lives])

    @cached_property
    def _ends(self) -> NDArray:
        """Number of the first charge behind each life."""
        return np.cumsum(self._num_ages) * self.samples


def plan_of(
    eol: str | None, ecl: str | None, policy: str | None, conditions: str | None, samples: int
) -> Plan:
    """The plan that the flags of these names describe.

    Raises:
        SettingsError: The file of conditions is at fault, or nothing is asked for.
        ConditionError: What is no number of cycles, or what no cell can have.
    """
    if conditions is not None:
        return plan_conditions(read_conditions(Path(conditions)), samples)
    lives, ages = (
        parse_cycles(flag, text or "") for flag, text in (("--eol", eol), ("--ecl", ecl))
    )
    return plan_grid(lives, ages, policy or "", samples)


def plan_grid(eol: Sequence[int], ecl: Sequence[int], policy: str, samples: int) -> Plan:
    """Every EOL with every ECL.

    Raises:
        SettingsError: Less than one sample, or no condition.
        ConditionError: What no cell can have.
    """
    return plan_conditions(((life, age, policy) for life in eol for age in ecl), samples)


def plan_conditions(conditions: Iterable[tuple[int, int, str]], samples: int) -> Plan:
    """Conditions in any order, each once.

    Args:
        conditions: EOL, ECL and charge policy.
        samples: Draws of each.

    Raises:
        SettingsError: Less than one sample, or no condition.
        ConditionError: One that no cell can have.
    """
    if samples < 1:
        raise SettingsError(f"`samples` must be 1 or more. Received: samples={samples}.")
    ages: dict[tuple[int, str], set[int]] = {}
    for eol, ecl, policy in conditions:
        condition = Condition(eol, ecl)
        # A file has the policy on one line.
        ages.setdefault((condition.eol, " ".join(policy.split())), set()).add(condition.ecl)
    if not ages:
        raise SettingsError("there is no condition to generate charges for. Give one or more.")
    lives = (Life(eol, policy, tuple(sorted(ages[eol, policy]))) for eol, policy in sorted(ages))
    return Plan(tuple(lives), samples)


def parse_cycles(flag: str, text: str) -> list[int]:
    """Numbers of cycles as a user writes them: "800", "400,800", "1:800", "400:1200:50".

    Args:
        flag: What messages call it.
        text: Numbers and ranges, START:STOP[:STEP] with STOP in it, parted by commas.

    Raises:
        ConditionError: Something else, or a range with nothing in it.
    """
    cycles: list[int] = []
    for part in text.split(","):
        bounds = [_whole(flag, text, word) for word in part.split(":")]
        if len(bounds) == 1:
            cycles += bounds
            continue
        start, stop, step = (*bounds, 1) if len(bounds) == 2 else (*bounds, 0)[:3]
        if len(bounds) > 3 or step < 1 or start > stop or stop > MOST_CYCLES:
            raise ConditionError(
                f"{flag} {text}: {part} holds no cycles, expected START:STOP or START:STOP:STEP "
                f"with START <= STOP <= {MOST_CYCLES} and STEP >= 1."
            )
        cycles += range(start, stop + 1, step)
    return cycles


def read_conditions(path: Path) -> list[tuple[int, int, str]]:
    """EOL, ECL and policy of every row of a CSV file with the columns `COLUMNS`; policy optional.

    Raises:
        SettingsError: Not readable, other columns, a value that is no number of cycles, or a row
            that comes twice; names the line.
    """
    flag = f"--conditions {path}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(number, line) for number, line in enumerate(csv.reader(file), 1) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{flag}: not a readable CSV file ({error}).") from error
    heads = tuple(head.strip().lower() for head in lines[0][1]) if lines else ()
    if not {"eol", "ecl"} <= set(heads) <= set(COLUMNS) or len(set(heads)) < len(heads):
        raise SettingsError(
            f"{flag}: the first line must name the columns eol, ecl and, if wanted, policy. "
            f"Received: {','.join(heads)[:80]!r}."
        )
    found: dict[tuple[int, int, str], int] = {}
    for number, line in lines[1:]:
        where = f"{flag}, line {number}"
        if len(line) != len(heads):
            raise SettingsError(f"{where}: has {len(line)} values, expected {len(heads)}.")
        row = dict(zip(heads, line, strict=True))
        eol, ecl = (_whole(f"{where}, {name}", row[name], row[name]) for name in COLUMNS[:2])
        key = (eol, ecl, row.get("policy", "").strip())
        if key in found:
            raise SettingsError(
                f"{where}: is the same condition as line {found[key]}. Take one of them out; "
                f"--samples draws several charges of a condition."
            )
        found[key] = number
    return list(found)


def _whole(flag: str, text: str, word: str) -> int:
    try:
        value = float(word)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ConditionError(f"{flag} must be a whole number of cycles. Received: {text}.")
