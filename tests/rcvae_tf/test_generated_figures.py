import numpy as np
from numpy.testing import assert_allclose
from PIL import Image

from rcvae_tf.report.figure_ageing import ageing_frames, shown_ages, write_ageing
from rcvae_tf.report.figure_bands import band, bands_figure
from rcvae_tf.report.figure_sweep import (
    ECL,
    EOL,
    differences_to_first,
    draw_figures,
    find_sweeps,
    pictured_rows,
    sweep_figure,
)
from rcvae_tf.report.figures import times_of

POINTS = 8
LABELS = np.array([[eol, ecl] for eol in (500, 600) for ecl in (1, 5, 9)])


def curves_of(labels, with_time=True):
    """Voltages that rise by ECL, over a time that is EOL seconds."""
    grid = np.linspace(0.0, 1.0, POINTS)
    curves = {
        "voltage_v": 3.0 + 0.01 * labels[:, 1:] + grid,
        "current_c_rate": np.ones((len(labels), POINTS)),
    }
    if with_time:
        curves["elapsed_time_s"] = labels[:, :1] * grid
    return curves


def names_of(paths):
    return sorted(path.name for path in paths)


def test_a_grid_gives_a_sweep_either_way_and_an_animation(tmp_path):
    paths = draw_figures(LABELS, curves_of(LABELS), tmp_path / "new")
    assert names_of(paths) == ["ageing.gif", "sweep_ecl.png", "sweep_eol.png"]
    assert all(path.stat().st_size > 5000 for path in paths)


def test_one_condition_gives_no_picture(tmp_path):
    assert draw_figures(LABELS[:1], curves_of(LABELS[:1]), tmp_path) == []
    assert pictured_rows(LABELS[:1]).tolist() == []


def test_two_ages_are_no_animation(tmp_path):
    few = LABELS[:2]
    assert names_of(draw_figures(few, curves_of(few), tmp_path)) == ["sweep_ecl.png"]


def test_the_middle_one_of_the_longest_sweeps_is_shown():
    lives = np.array([[eol, ecl] for eol in (500, 600, 700) for ecl in (1, 5)])
    over_ecl, over_eol = find_sweeps(lives)
    assert (over_ecl.swept, over_ecl.fixed, over_ecl.rows.tolist()) == (ECL, 600, [2, 3])
    assert (over_eol.swept, over_eol.fixed, over_eol.rows.tolist()) == (EOL, 5, [1, 3, 5])
    assert pictured_rows(lives).tolist() == [1, 2, 3, 5]


def test_of_a_long_life_forty_ages_are_lines_the_ends_among_them():
    life = np.stack([np.full(800, 900), np.arange(1, 801)], axis=1)
    (sweep,) = find_sweeps(life)
    assert (len(sweep.rows), sweep.rows[0], sweep.rows[-1]) == (40, 0, 799)


def test_the_lines_of_a_sweep_are_its_charges():
    (sweep, _) = find_sweeps(LABELS)
    figure = sweep_figure(LABELS, curves_of(LABELS), sweep)
    upper, lower = figure.axes[0], figure.axes[2]
    assert upper.get_ylabel() == "voltage / V"
    lines = [line.get_ydata() for line in upper.get_lines()]
    assert_allclose([line[0] for line in lines], [3.01, 3.05, 3.09])
    assert_allclose(upper.get_lines()[0].get_xdata()[-1], 600 / 60)
    assert_allclose([line.get_ydata()[3] for line in lower.get_lines()], [0.0, 0.04, 0.08])
    assert "EOL 600: 3 values of ECL, 1 to 9" in figure.get_suptitle()


def test_differences_are_taken_at_the_same_time_and_end_with_the_first_charge():
    times = np.array([[0.0, 1.0, 2.0], [0.0, 2.0, 4.0]])
    values = np.array([[0.0, 1.0, 2.0], [5.0, 5.0, 5.0]])
    expected = [[0.0, 0.0, 0.0], [5.0, 3.0, np.nan]]
    assert_allclose(differences_to_first(times, values), expected)


def test_without_elapsed_time_points_are_shares_of_a_charge():
    times, label = times_of(curves_of(LABELS, with_time=False))
    assert label == "time / %"
    assert_allclose(times[0, [0, -1]], [0.0, 100.0])


def test_an_animation_has_a_frame_for_every_age(tmp_path):
    ages = LABELS[:3]
    write_ageing(ages, curves_of(ages), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 3


def test_of_many_ages_forty_have_a_frame():
    assert shown_ages(3).tolist() == [0, 1, 2]
    shown = shown_ages(800)
    assert (len(shown), shown[0], shown[-1]) == (40, 0, 799)


def test_a_frame_shows_its_age_and_keeps_the_earlier_ones():
    ages = LABELS[3:]
    figure, show = ageing_frames(ages, curves_of(ages))
    for number in range(3):
        show(number)
        assert figure.get_suptitle() == f"Generated charge, EOL 600, ECL {ages[number, 1]}"
        lines = figure.axes[0].get_lines()
        assert len(lines) == number + 1
        assert_allclose(lines[-1].get_ydata()[0], 3.0 + 0.01 * ages[number, 1])
        assert all(line.get_linewidth() < 1 for line in lines[:-1])
    low, high = figure.axes[0].get_ylim()
    assert low < 3.01
    assert high > 4.09


def test_a_band_holds_its_share_of_the_draws():
    # 99 draws: the k-th lies at k / 100.
    draws = np.tile(np.arange(1.0, 100.0)[:, None], (1, 4))
    assert_allclose(band(draws, 0.9), [[5.0] * 4, [95.0] * 4])
    assert_allclose(band(draws, 0.5), [[25.0] * 4, [75.0] * 4])


def test_bands_are_shown_about_the_median_with_the_share_inside():
    draws = {"voltage_v": 3.0 + np.tile(np.arange(101.0)[None, :, None], (1, 1, 4)) / 100}
    measured = {
        "voltage_v": np.array([[3.5, 3.6, 3.95, 4.2]]),
        "elapsed_time_s": np.array([[0.0, 60.0, 120.0, 180.0]]),
    }
    axis = bands_figure(measured, draws, ["a cell"]).axes[0]
    assert axis.get_title() == "a cell   75% of points inside"
    line = axis.get_lines()[-1]
    assert_allclose(line.get_ydata(), [0.0, 0.1, 0.45, 0.7])
    assert_allclose(line.get_xdata(), [0.0, 1.0, 2.0, 3.0])
