"""What came out, in words: the first thing on the page."""

from dataclasses import dataclass
from typing import Any

from rcvae_tf.report.ablation_tables import table_2
from rcvae_tf.report.page_sources import Material
from rcvae_tf.report.paper_tables import table_1, table_baselines

PAPER_EPOCHS = 1000
SIMULATED = (
    " The cells are simulated: what is called measured here is their simulation, and the numbers "
    "of the paper are of other cells."
)


@dataclass(frozen=True)
class Finding:
    """A name, and sentences on it."""

    name: str
    text: str


def summary(material: Material) -> list[Finding]:
    """How the model of the paper, preset `default` and the baselines stand."""
    found = [
        Finding("Data", _data(material)),
        Finding("How far", _extent(material.record)),
        Finding("The paper's model", table_1(_metrics(material.runs)).note),
        Finding("Preset default", _largest(material)),
        Finding("Ablation", table_2(material.ablation, material.generated).note),
    ]
    return [finding for finding in found if finding.text]


def _data(material: Material) -> str:
    if not material.cards:
        return ""
    card = material.cards[max(material.cards)]
    cycles = ", ".join(map(str, sorted(material.cards)))
    simulated = card.source["name"] == "demo" or all(
        "simulated" in str(file["name"]) for file in card.source["files"]
    )
    nature = SIMULATED if simulated else ""
    return (
        f"{len(card.cells)} cells, source {card.source['name']}, n = {cycles} early cycles, split "
        f"by {card.preparation['split']}.{nature}"
    )


def _extent(record: dict[str, Any]) -> str:
    """What was cut; whoever reads numbers must know."""
    settings = record.get("settings", {})
    cuts = []
    if settings.get("epochs") and settings["epochs"] < PAPER_EPOCHS:
        cuts.append(f"trainings end after {settings['epochs']} epochs (the paper: {PAPER_EPOCHS})")
    if settings.get("ablation_epochs"):
        cuts.append(f"rows of the ablation after {settings['ablation_epochs']}")
    if settings.get("rows"):
        cuts.append(f"{len(settings['rows'])} rows of the ablation were run")
    if settings.get("ablation_cycles"):
        cuts.append(f"the ablation ran at n = {', '.join(settings['ablation_cycles'])} alone")
    if not cuts:
        return ""
    quick = settings.get("quick")
    meaning = " It shows that everything runs, not how good the model can be." if quick else ""
    return f"Cut short: {'; '.join(cuts)}.{meaning}"


def _largest(material: Material) -> str:
    if not material.default_runs:
        return ""
    cycles = max(material.default_runs)
    return table_baselines({cycles: material.default_runs[cycles].metrics}, "", "").note


def _metrics(runs: dict[int, Any]) -> dict[int, dict[str, Any]]:
    return {cycles: run.metrics for cycles, run in runs.items()}
