import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.physical import named_curves
from rcvae_tf.report.figures import as_pixels, curves_figure, frames_figure, save_figure
from tests.rcvae_tf.builders import WITHOUT_TEMPERATURE, made_curves

TITLES = ["a EOL 400 ECL 1", "b EOL 900 ECL 6"]
MEASURED = pack(np.stack([made_curves(400, 1), made_curves(900, 6)]), 4, 4)


def curves(present=SIGNALS, shift=0.0):
    named = named_curves(MEASURED, present)
    return {name: values + shift for name, values in named.items()}


def lines_of(axis):
    return {line.get_label(): line.get_xydata().T for line in axis.get_lines()}


def test_curves_lie_over_each_other_in_minutes_and_units():
    figure = curves_figure(curves(), curves(shift=0.5), TITLES)
    axes = figure.axes
    assert len(axes) == 2 * 4
    assert [axis.get_ylabel() for axis in axes[:4]] == [
        "voltage / V",
        "current / C",
        "temperature / °C",
        "charge capacity / Ah",
    ]
    lines = lines_of(axes[4 + 1])  # second sample, current
    assert_allclose(lines["measured"][0], curves()["elapsed_time_s"][1] / 60)
    assert_allclose(lines["measured"][1], curves()["current_c_rate"][1])
    assert_allclose(lines["generated, z = 0"][0], (curves()["elapsed_time_s"][1] + 0.5) / 60)
    assert_allclose(lines["generated, z = 0"][1], curves()["current_c_rate"][1] + 0.5)


def test_titles_name_the_sample_and_the_fit():
    measured, generated = curves(), curves()
    variance = measured["voltage_v"][0].var()
    generated["voltage_v"] = measured["voltage_v"] + np.sqrt(0.25 * variance)
    axes = curves_figure(measured, generated, TITLES).axes
    assert axes[0].get_title() == "a EOL 400 ECL 1   R² 0.7500"
    assert axes[1].get_title() == "R² 1.0000"


def test_a_constant_measured_signal_has_a_fit_of_0():
    measured = curves()
    measured["voltage_v"] = np.ones((2, 16))
    axes = curves_figure(measured, curves(), TITLES).axes
    assert axes[0].get_title().endswith("R² 0.0000")


def test_without_a_generated_time_the_measured_one_is_used():
    generated = curves(shift=0.5)
    del generated["elapsed_time_s"]
    lines = lines_of(curves_figure(curves(), generated, TITLES).axes[0])
    assert_allclose(lines["generated, z = 0"][0], lines["measured"][0])


def test_absent_temperature_has_no_column():
    figure = curves_figure(curves(WITHOUT_TEMPERATURE), curves(WITHOUT_TEMPERATURE), TITLES)
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert len(labels) == 2 * 3
    assert "temperature / °C" not in labels


def test_draws_lie_behind_at_their_own_times():
    draws = {name: np.stack([values, values + 1.0], axis=1) for name, values in curves().items()}
    axis = curves_figure(curves(), curves(), TITLES, draws).axes[0]
    drawn = axis.get_lines()[:2]
    assert len(axis.get_lines()) == 2 + 2
    assert_allclose(drawn[1].get_xdata(), (curves()["elapsed_time_s"][0] + 1.0) / 60)
    assert_allclose(drawn[1].get_ydata(), curves()["voltage_v"][0] + 1.0)


def test_without_a_drawn_time_the_measured_one_is_used():
    draws = {"voltage_v": curves()["voltage_v"][:, None] * np.ones((1, 3, 1))}
    generated = {"voltage_v": curves()["voltage_v"]}
    lines = curves_figure(curves(), generated, TITLES, draws).axes[1].get_lines()
    assert len(lines) == 3 + 2
    assert_allclose(lines[2].get_xdata(), curves()["elapsed_time_s"][1] / 60)


def test_the_legend_says_what_was_generated_how_and_lies_outside_the_curves():
    draws = {name: values[:, None] for name, values in curves().items()}
    figure = curves_figure(curves(), curves(), TITLES, draws)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["generated, z drawn", "measured", "generated, z = 0"]
    assert [line.get_alpha() for line in legend.get_lines()] == [1.0, 1.0, 1.0]
    as_pixels(figure)  # lays the figure out
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    assert not any(legend.get_window_extent().overlaps(box) for box in boxes)


def test_frames_are_scaled_by_what_was_measured():
    generated = MEASURED[:, :, :2].copy()
    generated[0, 0, 0, 0, 0] = 99.0  # out of the range of the voltage
    figure = frames_figure(MEASURED, generated, TITLES)
    images = [axis.get_images()[0].get_array() for axis in figure.axes]
    assert len(images) == 2 * 4
    grey, colour = images[4], images[5]  # measured, first sample
    capacity = MEASURED[:, 0, 1]
    assert_allclose(grey, (capacity[0] - capacity.min()) / np.ptp(capacity), atol=1e-6)
    for channel in range(3):
        plane = MEASURED[:, channel, 0]
        expected = (plane[0] - plane.min()) / np.ptp(plane)
        assert_allclose(colour[..., channel], expected, atol=1e-6)
    assert images[1][0, 0, 0] == 1.0
    assert_allclose(images[1][1:], colour[1:])


def test_frames_say_what_they_show():
    axes = frames_figure(MEASURED, MEASURED, TITLES).axes
    assert [axis.get_title() for axis in axes[:2]] == ["generated Qc", "generated V, I, T"]
    assert [axis.get_title() for axis in axes[4:6]] == ["measured Qc", "measured V, I, T"]
    assert [axes[k].get_xlabel() for k in (4, 6)] == TITLES


def test_absent_temperature_leaves_its_colour_dark_and_its_name_out():
    measured = MEASURED.copy()
    measured[:, 2, 0] = 25.0
    axis = frames_figure(measured, measured, TITLES, WITHOUT_TEMPERATURE).axes[5]
    assert_array_equal(axis.get_images()[0].get_array()[..., 2], np.zeros((4, 4)))
    assert axis.get_title() == "measured V, I"


def test_a_constant_plane_is_dark():
    measured = MEASURED.copy()
    measured[:, 2, 0] = 25.0
    image = frames_figure(measured, measured, TITLES).axes[5].get_images()[0].get_array()
    assert_array_equal(image[..., 2], np.zeros((4, 4)))


@pytest.fixture
def red_sheet():
    return Figure(figsize=(2.0, 1.0), dpi=50, facecolor="red")


def test_pixels_are_shares_of_red_green_blue_and_opacity(red_sheet):
    pixels = as_pixels(red_sheet)
    assert pixels.shape == (50, 100, 4)
    assert pixels.dtype == np.float32
    assert_array_equal(pixels[25, 50], [1.0, 0.0, 0.0, 1.0])


def test_a_figure_is_saved_as_a_picture_with_its_folder(red_sheet, tmp_path):
    save_figure(red_sheet, tmp_path / "figures" / "red.png")
    pixels = matplotlib.image.imread(tmp_path / "figures" / "red.png")
    assert pixels.shape == (110, 220, 4)
    assert_array_equal(pixels[50, 100], [1.0, 0.0, 0.0, 1.0])
