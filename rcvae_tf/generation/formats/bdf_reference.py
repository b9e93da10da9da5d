"""The reference validator of the Battery Data Format (`batterydf`), asked where it is installed."""

import importlib.util
import logging
import warnings
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


def check_first_table(path: Path) -> None:
    """Says in the log what the reference validator finds; nothing where it is not installed."""
    if importlib.util.find_spec("bdf") is None:
        return
    problems = reference_problems(path)
    for problem in problems:
        logger.warning("reference validator (batterydf): %s: %s", path.name, problem)
    if not problems:
        logger.info("reference validator (batterydf): %s is sound", path.name)


def reference_problems(path: Path) -> list[str]:
    """What the reference validator, which must be installed, finds wrong with a table.

    Columns that its version does not know are none: the terms of a cycle and of the surface are
    younger than its first release.
    """
    # It gives units of pint names of its own, and pint says so for each.
    logging.getLogger("pint").setLevel(logging.ERROR)
    import bdf
    import pandas as pd

    frame: Any = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = bdf.validate(frame, raise_on_error=False)
    missing = [f"lacks the column {name}" for name in report.get("missing", [])]
    return missing + [str(w.message).split("\n")[0] for w in caught]
