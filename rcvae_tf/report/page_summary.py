"""What came out, in words: the first thing on the page."""

from dataclasses import asdict, dataclass
from typing import Any

from rcvae_tf.presets import resolve
from rcvae_tf.report.ablation_tables import OTHER_ROWS, row_names
from rcvae_tf.report.page_ablation import ablation_tables
from rcvae_tf.report.page_sources import Material
from rcvae_tf.report.paper_tables import table_1, table_baselines
from rcvae_tf.reproduction.settings import ReproduceSettings

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
        Finding("Ablation", ablation_tables(material)[0].note),
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
    if "settings" not in record:
        return ""
    whole = asdict(ReproduceSettings())
    settings = whole | record["settings"]
    cuts = [
        *_cut_cycles(settings, whole),
        *_cut_search(settings, whole),
        *_cut_trainings(settings),
        *_cut_ablation(settings),
    ]
    if not cuts:
        return ""
    meaning = " It shows that everything runs, not how good the model can be."
    return f"Cut short: {'; '.join(cuts)}.{meaning if settings['quick'] else ''}"


def _cut_cycles(settings: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    given, all_cycles = settings["early_cycles"], whole["early_cycles"]
    if set(all_cycles) <= set(given):
        return []
    return [f"n = {', '.join(given)} early cycles ({', '.join(all_cycles)})"]


def _cut_search(settings: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    trials, epochs = settings["trials"], settings["trial_epochs"]
    epochs = min(epochs, settings["epochs"] or epochs)
    if trials >= whole["trials"] and epochs >= whole["trial_epochs"]:
        return []
    full = f"{whole['trials']} of {whole['trial_epochs']}"
    return [f"the search: {trials} trials of at most {epochs} epochs ({full})"]


def _cut_trainings(settings: dict[str, Any]) -> list[str]:
    """Each preset beside its own number of epochs."""
    cuts = []
    paper, default = settings["epochs"], settings["default_epochs"] or settings["epochs"]
    for preset, epochs in (("paper", paper), ("default", default)):
        full = resolve(preset).training.epochs
        trained = preset == "paper" or settings["default_preset"]
        if trained and epochs and epochs < full:
            cuts.append(f"of preset {preset} end after {epochs} epochs ({full})")
    found = [f"trainings {', '.join(cuts)}"] if cuts else []
    if not settings["default_preset"]:
        found.append("preset default was not trained")
    elif settings["default_cycles"]:
        cycles = ", ".join(settings["default_cycles"])
        found.append(f"preset default was trained at n = {cycles} alone")
    return found


def _cut_ablation(settings: dict[str, Any]) -> list[str]:
    cuts = []
    epochs = settings["ablation_epochs"] or settings["epochs"]
    full = resolve("paper").training.epochs
    if epochs and epochs < full:
        cuts.append(f"rows of the ablation after {epochs} epochs ({full})")
    if settings["rows"]:
        every = {*row_names([]), *OTHER_ROWS}
        cuts.append(f"{len(settings['rows'])} of {len(every)} rows of the ablation")
    if settings["ablation_cycles"]:
        cuts.append(f"the ablation at n = {', '.join(settings['ablation_cycles'])} alone")
    return cuts


def _largest(material: Material) -> str:
    if not material.default_runs:
        return ""
    cycles = max(material.default_runs)
    return table_baselines({cycles: material.default_runs[cycles].metrics}, "", "").note


def _metrics(runs: dict[int, Any]) -> dict[int, dict[str, Any]]:
    return {cycles: run.metrics for cycles, run in runs.items()}
