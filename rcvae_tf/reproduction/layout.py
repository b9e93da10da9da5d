"""Names in the folder of a reproduction; all relative to it, so that it can be moved."""

from pathlib import Path

RECORD = Path("reproduce.json")
DATA = Path("data")
SEARCH = Path("search")
RUNS = Path("runs")
ABLATION = Path("ablation")
LOGS = Path("logs")
TABLES = Path("tables")
FIGURES = Path("figures")
PAGE = Path("index.html")
FOLDERS = (DATA, SEARCH, RUNS, ABLATION, LOGS, TABLES, FIGURES)


def data(cycles: int) -> Path:
    """The data set of n early cycles."""
    return DATA / f"n{cycles:03d}"


def run(preset: str, cycles: int) -> Path:
    """The run of a preset on n early cycles."""
    return RUNS / f"{preset}-n{cycles:03d}"


def ablation(cycles: int) -> Path:
    """The ablation on n early cycles."""
    return ABLATION / f"n{cycles:03d}"


def log(part: str) -> Path:
    """What a part said."""
    return LOGS / f"{part}.log"
