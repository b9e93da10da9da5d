"""What stands beside the results: assumptions, data, search, settings, versions, times."""

import csv
from importlib.resources import files
from pathlib import Path
from typing import Any

from data_prep.dataset_card import DatasetCard
from rcvae_tf.presets import resolve
from rcvae_tf.report.page_sources import Material
from rcvae_tf.report.report_table import Cell, ReportTable
from rcvae_tf.report.search_figures import COLUMNS as OF_A_TRIAL

# Preset `paper` decides what the paper leaves open; these it takes from there.
GIVEN_BY_PAPER = (
    *("num_hidden_layers", "embedding_dim", "kl_weight"),
    *("epochs", "patience", "merge_validation"),
)


def assumptions_table() -> ReportTable:
    """Where the paper is silent or contradicts itself, and what was decided."""
    text = files("rcvae_tf.report").joinpath("assumptions.csv").read_text(encoding="utf-8")
    rows = [
        (row["number"], _plain(row["title"]), _plain(row["sentence"]))
        for row in csv.DictReader(text.splitlines())
    ]
    return ReportTable(
        "assumptions", "Assumptions", "", ("no.", "question", "decision"), tuple(rows)
    )


def cleaning_table(cards: dict[int, DatasetCard]) -> ReportTable:
    """Cells and charges that were read, kept and rejected, by data set."""
    reasons = sorted({reason for card in cards.values() for reason in _counts(card, "rejected")})
    repairs = sorted({repair for card in cards.values() for repair in _counts(card, "repaired")})
    rows = []
    for cycles, card in sorted(cards.items()):
        report = card.cleaning
        rows.append(
            (
                cycles,
                *(report["cells_read"], report["cells_kept"]),
                *(report["cycles_read"], report["cycles_kept"]),
                *(_counts(card, "rejected").get(reason, 0) for reason in reasons),
                *(_counts(card, "repaired").get(repair, 0) for repair in repairs),
                *(card.num_samples(split) for split in card.shards),
            )
        )
    splits = tuple(next(iter(cards.values())).shards) if cards else ()
    return ReportTable(
        name="cleaning",
        title="Data sets: what was read, kept, rejected and mended, and the splits",
        note="",
        columns=(
            *("n", "cells read", "cells kept", "charges read", "charges kept"),
            *(f"rejected: {reason}" for reason in reasons),
            *(f"mended: {repair}" for repair in repairs),
            *splits,
        ),
        rows=tuple(rows),
    )


def sources_table(cards: dict[int, DatasetCard]) -> ReportTable:
    """The files that were read, of the largest number of early cycles."""
    source: dict[str, Any] = cards[max(cards)].source if cards else {"files": []}
    rows = [(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in source["files"]]
    return ReportTable("files", "Files read", "", ("file", "bytes", "SHA-256"), tuple(rows))


def trials_table(trials: list[dict[str, Any]]) -> ReportTable:
    """Every trial of the search."""
    columns = tuple(trials[0]) if trials else OF_A_TRIAL
    rows = tuple(tuple(trial[name] for name in columns) for trial in trials)
    return ReportTable("trials", "Trials of the search", "", columns, rows)


def best_table(material: Material) -> ReportTable:
    """The settings of preset `paper` as trained on the largest n, and where each comes from."""
    searched = set(material.trials[0]) - set(OF_A_TRIAL) if material.trials else set()
    title, config = "Settings that the search found", material.best
    if material.runs:
        cycles = max(material.runs)
        title = f"Settings of preset paper as trained at n = {cycles}"
        config = material.runs[cycles].config
    preset = resolve("paper").to_dict()
    rows: list[tuple[Cell, ...]] = []
    for part in ("model", "training"):
        found = preset[part] | material.best.get(part, {})
        for name, value in config.get(part, {}).items():
            origin = _origin(name, value, found.get(name), preset[part].get(name), searched)
            rows.append((name, _text(value), origin))
    columns = ("setting", "value", "from")
    return ReportTable("best", title, "", columns, tuple(rows))


def _origin(name: str, value: Any, found: Any, preset: Any, searched: set[str]) -> str:
    """Who decided on a setting; `found` is what the search left."""
    if value != found:
        return "flag"
    if name in searched:
        return "searched"
    if value != preset:
        return "flag"
    return "given by the paper" if name in GIVEN_BY_PAPER else "set by the preset"


def settings_table(record: dict[str, Any]) -> ReportTable:
    """What the reproduction was told."""
    values = dict(record.get("settings", {}))
    if values.get("input"):
        values["input"] = Path(values["input"]).name  # no place on anybody's disk
    rows = tuple((name, _text(value)) for name, value in values.items() if value is not None)
    return ReportTable("settings", "Settings of the reproduction", "", ("setting", "value"), rows)


def seeds_table(material: Material) -> ReportTable:
    """Every seed."""
    rows: list[tuple[Cell, ...]] = []
    for cycles, card in sorted(material.cards.items()):
        if "seed" in card.preparation:
            rows.append((f"split of the data, n = {cycles}", _seed(card.preparation)))
    if "seed" in material.record.get("settings", {}):
        rows.append(("search", _seed(material.record["settings"])))
    for preset, runs in (("paper", material.runs), ("default", material.default_runs)):
        for cycles, run in runs.items():
            rows.append((f"training, {preset}, n = {cycles}", _seed(run.config["training"])))
    return ReportTable("seeds", "Seeds", "", ("of", "seed"), tuple(rows))


def versions_table(record: dict[str, Any]) -> ReportTable:
    """Versions of the packages, and what machine it ran on."""
    facts = {**record.get("versions", {}), **record.get("host", {})}
    rows = tuple((name, _text(value)) for name, value in facts.items())
    return ReportTable("versions", "Versions and machine", "", ("what", "value"), rows)


def times_table(record: dict[str, Any]) -> ReportTable:
    """How long each part took."""
    parts = record.get("parts", {}).values()
    rows: list[tuple[Cell, ...]] = [
        (part["title"], part["started"], round(part["seconds"])) for part in parts if part["done"]
    ]
    total = sum(round(part["seconds"]) for part in parts if part["done"])
    if rows:
        rows.append(("all of them", "", total))
    columns = ("part", "started (UTC)", "seconds")
    return ReportTable(
        "times", "Time of each part, summed over interruptions", "", columns, tuple(rows)
    )


def _counts(card: DatasetCard, what: str) -> dict[str, int]:
    counts: dict[str, int] = card.cleaning.get(f"cycles_{what}", {})
    return counts


def _seed(values: dict[str, Any]) -> int:
    return int(values["seed"])


def _plain(text: str) -> str:
    return text.replace("`", "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    return f"{value:g}" if isinstance(value, float) else str(value)
