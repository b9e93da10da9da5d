"""An animation of ageing: the charge of a cell at one age after another."""

from pathlib import Path


from numpy.typing import NDArray

from rcvae_tf.physical import Curves
from rcvae_tf.report.labels import GENERATED_COLOUR, WIDTH_INCH
from rcvae_tf.report.sweep_panels import Panel, swept_panels

FEWEST_AGES = 3
FRAMES_A_SECOND = 6
DOTS_PER_INCH = 90  # colours of a GIF are few; more dots make a larger file and no better one
EARLIER_COLOUR = "0.75"


def write_ageing(eol: int, ages: NDArray, curves: Curves, path: Path) -> None:
    """Writes a GIF with a frame for each age, the charges of earlier ages faint behind.

    Args:
        eol: Of the cell.
        ages: ECL of each charge, ascending; they are as many as the frames.
        curves: By signal, each of shape `(charges, points)`.
        path: Of the GIF.
    """
    from matplotlib.animation import PillowWriter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCH, 4.6), layout="constrained")
    panels = swept_panels(figure, curves)
    figure.suptitle(frame_title(eol, ages, len(ages) - 1), fontsize=11, family="monospace")
    # Laid out once: panels that move from frame to frame would be taken for ageing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with writer.saving(figure, path, DOTS_PER_INCH):
        for frame in range(len(ages)):
            draw_frame(panels, frame)
            figure.suptitle(frame_title(eol, ages, frame), fontsize=11, family="monospace")
            writer.grab_frame()


def draw_frame(panels: list[Panel], frame: int) -> None:
    """Adds the charge of an age to the panels; the one before it becomes faint."""
    for panel in panels:
        for line in panel.axis.get_lines()[-1:]:
            line.set(color=EARLIER_COLOUR, linewidth=0.5)
        panel.axis.plot(
            panel.times[frame], panel.lines[frame], color=GENERATED_COLOUR, linewidth=1.4
        )


def frame_title(eol: int, ages: NDArray, frame: int) -> str:
    """Says the age, and which ages there are frames of."""
    width = len(str(ages[-1]))
    return (
        f"generated charges, EOL {eol}, ECL {ages[frame]:>{width}}"
        f"   (age {frame + 1:>{len(str(len(ages)))}} of {len(ages)} from {ages[0]} to {ages[-1]})"
    )
