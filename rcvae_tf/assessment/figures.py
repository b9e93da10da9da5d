"""The figure of an assessment: what synthetic charges add to a few real cells."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rcvae_tf.assessment.layout import COPY, GENERATED, REAL
from rcvae_tf.assessment.tables import ADDED_LABELS
from rcvae_tf.report.labels import GENERATED_COLOUR, MEASURED_COLOUR

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = {
    "none": (MEASURED_COLOUR, "-", "o"),
    GENERATED: (GENERATED_COLOUR, "-", "s"),
    COPY: ("#0072B2", ":", "^"),
    REAL: ("#009E73", "--", "D"),
}


def augmentation_figure(found: dict[str, Any], quantity: str) -> "Figure":
    """MAE on unseen cells over the number of real cells, by what was added.

    Args:
        found: Of a measure of usefulness.
        quantity: Of the axis: "MAE of SOH".
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    counts = np.array(found["augmentation"]["cells"])
    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axis = figure.subplots()
    for number, (added, (colour, style, marker)) in enumerate(LINES.items()):
        scores = found["augmentation"]["curves"][added]
        mean = np.array([score["mae"] for score in scores])
        spread = np.array([score["mae_spread"] for score in scores])
        # Side by side, so that bars do not hide each other; on a log axis that is a factor.
        places = counts * 1.03 ** (number - 1.5)
        # A bar must not reach 0, which a log axis has not.
        bars = np.array([np.minimum(spread, 0.9 * mean), spread])
        axis.errorbar(
            places, mean, bars, color=colour, linestyle=style, marker=marker, markersize=4,
            linewidth=1.2, elinewidth=0.8, capsize=2, label=f"{ADDED_LABELS[added]} added",
        )  # fmt: skip
    axis.axhline(found["guess_mae"], color="grey", linewidth=0.8, label="mean, no input")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(counts, [str(count) for count in counts])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_minor_locator(NullLocator())
    # Plain numbers: powers of ten would need the fonts of formulas.
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_xlabel("real cells learned from")
    axis.set_ylabel(quantity)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
