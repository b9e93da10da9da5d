"""The card of a trained model."""

import json
from typing import Any

from data_prep.dataset_card import DatasetCard
from rcvae_tf.cards.rendering import ranges, render
from rcvae_tf.generation.sidecar import sha256
from rcvae_tf.report.labels import MODE_NOTES, PAPER_MODE, QUANTITIES, SIGNAL_LABELS, rule_label
from rcvae_tf.run import Run


def model_card(run: Run, metrics: dict[str, Any] | None, card: DatasetCard | None) -> str:
    """What a stranger must know of a model, as Markdown.

    Args:
        run: The trained run.
        metrics: Of its evaluation; None where there was none.
        card: Of the data set that it was trained on; None where that is not at hand.
    """
    low, high = run.vocabulary.label_range
    return render(
        "model_card.md",
        name=run.directory.path.resolve().name,
        config=run.config,
        data=run.data,
        version=_version(),
        model_sha256=sha256(run.directory.model),
        parameters=run.model.count_params(),
        quantities=[QUANTITIES.get(name, "elapsed time") for name in run.model.signals_present],
        num_conditions=len(run.vocabulary),
        eol=ranges((int(low[0]), int(high[0]))),
        ecl=ranges((int(low[1]), int(high[1]))),
        excluded=[] if card is None else card.cleaning.get("cells_dropped", []),
        rejected={} if card is None else card.cleaning.get("cycles_rejected", {}),
        has_card=card is not None,
        results=None if metrics is None else _results(metrics),
        coverage=_coverage(metrics),
        settings=json.dumps(run.config.to_dict(), indent=1),
    )


def _version() -> str:
    import rcvae_tf

    return f"rcvae_tf {rcvae_tf.__version__}"


def _results(metrics: dict[str, Any]) -> dict[str, Any]:
    """Rows of mean absolute errors: the modes of the model, then the simple baselines."""
    signals = [name for name in SIGNAL_LABELS if name in metrics["modes"]["mean"]]
    rows = [
        (f"{mode} ({MODE_NOTES[mode]})", errors, mode != PAPER_MODE)
        for mode, errors in metrics["modes"].items()
    ]
    rows += [
        (rule_label(rule, metrics["baseline_settings"][rule]), errors, False)
        for rule, errors in metrics["baselines"].items()
    ]
    return {
        "split": metrics["split"],
        "samples": metrics["samples"]["test"],
        "heads": [SIGNAL_LABELS[name] for name in signals],
        "rows": [
            (name, [f"{errors[signal]['mae']:.4f}" for signal in signals], ours)
            for name, errors, ours in rows
        ],
        "skill": metrics["skill"]["total"],
    }


def _coverage(metrics: dict[str, Any] | None) -> dict[str, float]:
    shares = {} if metrics is None else metrics.get("intervals", {}).get("coverage_90", {})
    return {SIGNAL_LABELS[name]: share for name, share in shares.items() if name in SIGNAL_LABELS}
