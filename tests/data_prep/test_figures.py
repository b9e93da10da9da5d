import dataclasses

import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.figures import (
    CellCurves,
    CellPicture,
    charges_figure,
    cycles_figure,
    draw,
    fade_figure,
)
from data_prep.records import SIGNALS

SHORT = CellPicture("a", 1.1, 400, {1: 1.0, 2: 0.9}, {1: 1.05, 3: 0.95}, {2: "gap"})
LONG = CellPicture("b", 1.1, 900, {2: 1.04, 1: 1.08}, {1: 1.1, 2: 1.1, 3: 1.1})


def curves(cycles=(1, 5, 9), has_temperature=True):
    """In cycle c, signal k is the constant `10 k + c`, and the time is 0 to 60 c seconds."""
    values = np.zeros((len(cycles), len(SIGNALS), 4), np.float32)
    for row, cycle in enumerate(cycles):
        values[row] = 10.0 * np.arange(len(SIGNALS))[:, None] + cycle
        values[row, SIGNALS.index("elapsed_time_s")] = np.linspace(0, 60.0 * cycle, 4)
    return CellCurves("a", cycles, values, has_temperature)


def points(collection):
    return collection.get_offsets().tolist()


def marks(figure):
    """The marks of the map by what the legend says of them."""
    found = {c.get_label(): points(c) for c in figure.axes[0].collections}
    return {label: where for label, where in found.items() if where}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_capacity_over_cycles_in_order_and_the_threshold():
    axis = fade_figure([SHORT, LONG], 0.8).axes[0]
    short, long, threshold = (line.get_xydata().tolist() for line in axis.get_lines())
    assert short == [[1, 1.0], [2, 0.9]]
    assert long == [[1, 1.08], [2, 1.04]]
    assert_allclose([y for _, y in threshold], 0.88)
    assert axis.get_ylabel() == "discharge capacity / Ah"


def test_short_lives_are_dark_and_a_cell_without_end_of_life_is_grey():
    cells = [SHORT, LONG, CellPicture("c", 1.1, None, {1: 1.0})]
    colours = [line.get_color() for line in fade_figure(cells, 0.8).axes[0].get_lines()]
    assert_allclose(colours[0], (0.267004, 0.004874, 0.329415, 1.0))  # the ends of viridis
    assert_allclose(colours[1], (0.993248, 0.906157, 0.143936, 1.0))
    assert colours[2] == "0.7"


def test_without_any_end_of_life_there_is_no_bar_of_lives():
    assert len(fade_figure([SHORT], 0.8).axes) == 2
    assert len(fade_figure([CellPicture("c", 1.1, None, {1: 1.0})], 0.8).axes) == 1


def test_where_no_discharge_was_measured_the_charged_capacity_is_drawn():
    cell = CellPicture("a", 1.1, 400, charged_capacity_ah={3: 0.95, 1: 1.05})
    axis = fade_figure([cell], 0.8).axes[0]
    assert axis.get_lines()[0].get_xydata().tolist() == [[1, 1.05], [3, 0.95]]
    assert axis.get_ylabel() == "charged capacity / Ah"
    assert fade_figure([cell, LONG], 0.8).axes[0].get_ylabel() == (
        "discharge or charged capacity / Ah"
    )


def test_cells_of_several_nominal_capacities_are_drawn_as_shares():
    axis = fade_figure([LONG, CellPicture("c", 2.0, 70, {1: 1.5})], 0.8).axes[0]
    assert_allclose(axis.get_lines()[0].get_ydata(), [1.08 / 1.1, 1.04 / 1.1])
    assert_allclose(axis.get_lines()[1].get_ydata(), [0.75])
    assert_allclose(axis.get_lines()[2].get_ydata(), 0.8)
    assert axis.get_ylabel() == "discharge capacity / nominal"


def test_a_discharge_that_broke_off_leaves_no_dip():
    cell = CellPicture("a", 2.0, 72, {1: 1.5, 2: 0.001, 3: 1.4})
    assert fade_figure([cell], 0.8).axes[0].get_lines()[0].get_xdata().tolist() == [1, 3]


def test_a_cell_without_any_capacity_leaves_the_threshold_alone():
    axis = fade_figure([CellPicture("a", 1.1, 400)], 0.8).axes[0]
    assert axis.get_lines()[0].get_xdata().size == 0
    low, high = axis.get_ylim()
    assert low < 0.88 < high


def test_charges_are_coloured_by_cycle_over_minutes():
    figure = charges_figure(curves())
    voltage, temperature, bar = figure.axes
    assert [voltage.get_ylabel(), temperature.get_ylabel()] == ["voltage / V", "temperature / °C"]
    assert [line.get_ydata()[0] for line in voltage.get_lines()] == [1, 5, 9]
    assert [line.get_ydata()[0] for line in temperature.get_lines()] == [21, 25, 29]
    assert_allclose(voltage.get_lines()[1].get_xdata(), [0, 5 / 3, 10 / 3, 5], rtol=1e-6)
    assert_allclose(voltage.get_lines()[0].get_color()[:3], (0.050383, 0.029803, 0.527975))
    assert bar.get_ylabel() == "cycle"
    assert figure.get_suptitle() == "a, cycles 1 to 9"


def test_an_absent_temperature_is_left_out():
    figure = charges_figure(curves(has_temperature=False))
    assert [axis.get_ylabel() for axis in figure.axes] == ["voltage / V", "cycle"]


def test_of_many_charges_a_hundred_are_drawn_first_and_last_among_them():
    lines = charges_figure(curves(range(1, 1001))).axes[0].get_lines()
    shown = [line.get_ydata()[0] for line in lines]
    assert (len(shown), shown[0], shown[-1]) == (100, 1, 1000)


def test_a_single_charge_can_be_drawn():
    assert len(charges_figure(curves((7,))).axes[0].get_lines()) == 1


def test_the_map_has_a_row_a_cell_and_a_mark_a_rejected_cycle():
    dropped = CellPicture("c", 1.1, None, rejected={1: "cell_dropped", 2: "cell_dropped"})
    figure = cycles_figure([SHORT, LONG, dropped])
    image = figure.axes[0].get_images()[0]
    # Kept 1, dropped 2, not on record (or rejected, under its mark) 0.
    assert_array_equal(image.get_array(), [[1, 0, 1], [1, 1, 1], [2, 2, 0]])
    assert image.get_extent() == [0.5, 3.5, 2.5, -0.5]
    assert marks(figure) == {"gap 1": [[2, 0]]}
    assert legend(figure) == ["kept 5", "cell_dropped 2", "gap 1"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


def test_the_most_frequent_rule_comes_first_and_each_has_its_colour():
    cells = [SHORT, CellPicture("d", 1.1, 500, rejected={1: "not_finite", 4: "not_finite"})]
    figure = cycles_figure(cells)
    assert list(marks(figure).items()) == [
        ("not_finite 2", [[1, 1], [4, 1]]),
        ("gap 1", [[2, 0]]),
    ]
    colours = [c.get_facecolor()[0] for c in figure.axes[0].collections if len(points(c))]
    assert_allclose(colours, [to_rgba("#b2182b"), to_rgba("#2166ac")])


@pytest.mark.parametrize("cells", [[SHORT], [SHORT, LONG]])
def test_cycles_are_whole_numbers_on_the_axis(cells):
    for figure in (fade_figure(cells, 0.8), cycles_figure(cells)):
        ticks = figure.axes[0].get_xticks()
        assert_array_equal(ticks, np.round(ticks))


@pytest.mark.parametrize(("count", "names"), [(40, 40), (124, 13)])
def test_of_many_cells_every_tenth_is_named(count, names):
    cells = [CellPicture(f"c{i}", 1.1, 500, charged_capacity_ah={1: 1.0}) for i in range(count)]
    figure = cycles_figure(cells)
    assert len(figure.axes[0].get_yticks()) == names
    assert figure.get_figheight() < 10


def test_pictures_appear_in_a_new_folder_and_are_the_same_bytes_again(tmp_path):
    folder = tmp_path / "figures" / "of the data"
    files = draw(folder, [SHORT, LONG], curves(), eol_threshold=0.8)
    names = ["capacity_fade.png", "charges.png", "cycles.png"]
    assert [path.name for path in files] == names
    for path in files:
        height, width, _ = matplotlib.image.imread(path).shape
        assert width == 960
        assert height > 100
    first = [path.read_bytes() for path in files]
    assert not any(b"Software" in content for content in first)
    draw(folder, [SHORT, LONG], curves(), eol_threshold=0.8)
    assert [path.read_bytes() for path in files] == first


def test_names_with_dollars_or_glyphs_that_the_font_lacks_are_drawn_as_text(tmp_path):
    # A dollar begins a formula, and the one here is none; the font has no Chinese.
    name = "a$^b$ \u7535\u6c60 \u00b5"
    cells = [dataclasses.replace(SHORT, cell_id=name)]
    draw(tmp_path, cells, dataclasses.replace(curves(), cell_id=name), eol_threshold=0.8)
    label = cycles_figure(cells).axes[0].get_yticklabels()[0].get_text()
    assert label == "a\\$^b\\$ ?? \u00b5"
