import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from data_prep.records import SIGNALS
from rcvae_tf.embedding_matrix import EmbeddingMatrix
from rcvae_tf.physical import total_weights
from rcvae_tf.report.figure_ablation import heat_map_figure
from rcvae_tf.report.figure_curves import chosen_samples, figure_4
from rcvae_tf.report.figure_embedding import cluster_text, clusters, embedding_figure, tsne
from rcvae_tf.report.figure_errors import figure_5, is_heavy_tailed
from rcvae_tf.report.figure_frames import colour_frames_figure, grey_frames_figure
from rcvae_tf.report.figures import as_pixels
from rcvae_tf.test_samples import TestSamples
from tests.rcvae_tf.builders import WITHOUT_TEMPERATURE, made_curves

GRID = (2, 8)


def made_samples(count=6, present=SIGNALS, shift=0.1):
    """Cells c0, c1, ... of EOL 400, 410, ...; sample k is generated `(k + 1) * shift` too high."""
    labels = np.array([(400 + 10 * k, k + 1) for k in range(count)])
    curves = np.stack([made_curves(*label, present) for label in labels])
    measured = {name: curves[:, k] for k, name in enumerate(SIGNALS) if name in present}
    offset = shift * np.arange(1, count + 1)[:, None]
    generated = {name: values + offset for name, values in measured.items()}
    errors = {name: np.broadcast_to(offset[:, 0], count) for name in measured}
    weights = total_weights(present)
    errors["total"] = sum(weight * errors[name] for name, weight in weights.items())
    squares = {name: values**2 for name, values in errors.items()}
    return TestSamples(
        cell_ids=np.array([f"c{k}" for k in range(count)]),
        labels=labels,
        mae={mode: errors for mode in ("reconstruct", "mean")},
        mse={mode: squares for mode in ("reconstruct", "mean")},
        pictured=np.arange(count),
        measured=measured,
        generated={mode: generated for mode in ("reconstruct", "mean")},
        grid=GRID,
    )


def texts_of(figure):
    """All texts of a figure as they are laid out."""
    as_pixels(figure)
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def image_of(axis):
    return np.asarray(axis.get_images()[0].get_array())


def shown_axes(figure):
    return [axis for axis in figure.axes if axis.get_visible()]


def test_figure_4_shows_the_sample_of_median_error_beside_frames():
    figure = figure_4(made_samples(5), "(a) first 20 cycles")
    curves, frames = figure.axes[:4], figure.axes[4:]
    assert [axis.get_ylabel() for axis in curves] == [
        "voltage / V",
        "current / C",
        "temperature / °C",
        "charge capacity / Ah",
    ]
    lines = {line.get_label(): line.get_xydata().T for line in curves[0].get_lines()}
    voltage, *_, time = made_curves(420, 3)  # third of five
    assert_allclose(lines["measured"], [time / 60, voltage], rtol=1e-6)
    assert_allclose(lines["generated, z = 0"], [(time + 0.3) / 60, voltage + 0.3], rtol=1e-6)
    fit = 1 - 0.3**2 / np.var(voltage, dtype=np.float64)
    assert curves[0].get_title() == f"R² {fit:.4f}"
    assert len(frames) == 4 * 4
    assert frames[4].get_xlabel() == "cell c2\nEOL 420, ECL 3"
    assert [axis.get_ylabel() for axis in frames[::4]] == ["generated", "measured"] * 2
    texts = texts_of(figure)
    assert "(a) first 20 cycles" in texts
    assert "cell c2, EOL 420, ECL 3" in texts


def test_figure_4_uses_the_measured_time_where_none_was_generated():
    samples = made_samples(3)
    del samples.generated["mean"]["elapsed_time_s"]
    lines = figure_4(samples, "").axes[1].get_lines()
    assert_array_equal(lines[0].get_xdata(), lines[1].get_xdata())


def test_figure_4_without_temperature_has_three_signals_and_two_colours():
    figure = figure_4(made_samples(4, WITHOUT_TEMPERATURE), "")
    labels = [axis.get_ylabel() for axis in shown_axes(figure)[:3]]
    assert labels == ["voltage / V", "current / C", "charge capacity / Ah"]
    texts = texts_of(figure)
    assert "V, I" in texts
    assert not any("temperature" in text or "V, I, T" in text for text in texts)


def test_frames_of_figure_4_run_from_the_least_error_to_the_largest():
    samples = made_samples(7)
    assert chosen_samples(samples) == [3, 0, 2, 6]
    samples.mae["mean"]["total"] = samples.mae["mean"]["total"][::-1]
    assert chosen_samples(samples) == [3, 6, 4, 0]


def test_the_median_is_that_of_the_pictured_samples():
    samples = made_samples(7)
    samples = TestSamples(**{**vars(samples), "pictured": np.array([1, 4, 6])})
    samples.mae["mean"]["total"] = np.array([9.0, 3.0, 2.0, 1.0, 1.0, 0.0, 2.0])
    assert chosen_samples(samples) == [2, 1, 0]  # errors 2, 1 and 3


@pytest.mark.parametrize(("count", "rows"), [(1, [0]), (2, [0, 1]), (3, [1, 0, 2])])
def test_figure_4_of_few_samples_shows_them_all_once(count, rows):
    samples = made_samples(count)
    assert chosen_samples(samples) == rows
    assert len(shown_axes(figure_4(samples, ""))) == 4 + 4 * count


def test_pictured_samples_bear_their_own_errors_and_names():
    many = made_samples(6)
    few = {name: values[[1, 4]] for name, values in many.measured.items()}
    samples = TestSamples(
        **{**vars(many), "pictured": np.array([1, 4]), "measured": few, "generated": {"mean": few}}
    )
    axes = grey_frames_figure(samples, "").axes
    assert [axis.get_xlabel() for axis in axes[8:10]] == [
        "cell c1\nEOL 410, ECL 2",
        "cell c4\nEOL 440, ECL 5",
    ]


def test_grey_frames_are_the_capacity_generated_above_measured():
    samples = made_samples(3, shift=0.01)
    figure = grey_frames_figure(samples, "(e) first 100 cycles")
    capacity = samples.measured["charge_capacity_ah"]
    expected = (capacity - capacity.min()) / np.ptp(capacity)
    upper, lower = figure.axes[1], figure.axes[8 + 1]
    assert_allclose(image_of(lower), expected[1].reshape(GRID), atol=1e-6)
    raised = np.clip(expected[1] + 0.02 / np.ptp(capacity), 0, 1)
    assert_allclose(image_of(upper), raised.reshape(GRID), atol=1e-6)
    assert (figure.axes[0].get_ylabel(), figure.axes[8].get_ylabel()) == ("generated", "measured")


def test_colour_frames_are_voltage_current_and_temperature():
    samples = made_samples(3)
    figure = colour_frames_figure(samples, "")
    for channel, name in enumerate(("voltage_v", "current_c_rate", "temperature_degc")):
        values = samples.measured[name]
        expected = (values[2] - values.min()) / np.ptp(values)
        shown = image_of(figure.axes[8 + 2])[..., channel]
        assert_allclose(shown, expected.reshape(GRID), atol=1e-6)
    assert "red V, green I, blue T: lowest to highest measured" in figure.get_suptitle()


def test_colour_frames_without_temperature_have_no_blue_and_do_not_name_it():
    figure = colour_frames_figure(made_samples(3, WITHOUT_TEMPERATURE), "")
    assert_array_equal(image_of(figure.axes[0])[..., 2], np.zeros(GRID))
    assert "red V, green I: lowest" in figure.get_suptitle()


def test_frames_are_drawn_of_24_samples_at_the_most():
    assert len(shown_axes(grey_frames_figure(made_samples(30), ""))) == 2 * 24
    assert len(shown_axes(colour_frames_figure(made_samples(9), ""))) == 2 * 9


def test_a_cell_that_looks_like_a_formula_is_named_as_it_is():
    samples = made_samples(1)
    samples.cell_ids[0] = "$^"
    assert "cell \\$^\nEOL 400, ECL 1" in texts_of(grey_frames_figure(samples, ""))


def test_a_long_name_of_a_cell_is_broken_rather_than_run_into_the_next():
    samples = made_samples(2)
    samples = TestSamples(
        **{**vars(samples), "cell_ids": np.array(["2018-04-12_batch8_CH33", "b1c0"])}
    )
    assert grey_frames_figure(samples, "").axes[8].get_xlabel() == (
        "cell 2018-04-\n12_batch8_CH33\nEOL 400, ECL 1"
    )


def test_errors_are_boxes_by_number_of_cycles_with_the_number_of_table_1():
    figure = figure_5({100: made_samples(5), 20: made_samples(5, shift=0.2)})
    axes = figure.axes
    assert len(axes) == 5 * 2
    titles = [axis.get_title(loc="left") for axis in axes[::2]]
    assert titles == [
        "(a) voltage",
        "(b) current",
        "(c) temperature",
        "(d) charge capacity",
        "(e) total",
    ]
    assert [axis.get_ylabel() for axis in axes[4:6]] == ["MAE / °C", "RMSE / °C"]
    assert [axis.get_ylabel() for axis in axes[8:]] == ["MAE", "RMSE"]
    assert [label.get_text() for label in axes[8].get_xticklabels()] == ["20", "100"]
    diamonds = [line for line in axes[0].get_lines() if line.get_marker() == "D"]
    assert len(diamonds) == 2  # reconstruct and mean
    # Errors of 0.2, 0.4 .. 1.0 and of 0.1, 0.2 .. 0.5.
    assert_allclose(diamonds[0].get_ydata(), [0.6, 0.3])
    (diamond, _) = [line for line in axes[1].get_lines() if line.get_marker() == "D"]
    assert_allclose(diamond.get_ydata(), [0.2 * 11**0.5, 0.1 * 11**0.5])  # mean of 1, 4 .. 25: 11


def test_boxes_hold_the_errors_of_single_samples():
    axis = figure_5({20: made_samples(5)}).axes[1]
    box = axis.patches[0].get_path().vertices[:, 1]
    assert (box.min(), box.max()) == (pytest.approx(0.2), pytest.approx(0.4))


def test_errors_without_temperature_have_four_rows_lettered_in_order():
    axes = figure_5({20: made_samples(3, WITHOUT_TEMPERATURE)}).axes
    titles = [axis.get_title(loc="left") for axis in axes[::2]]
    assert titles == ["(a) voltage", "(b) current", "(c) charge capacity", "(d) total"]


def test_a_heavy_tail_calls_for_a_logarithm_unless_an_error_is_0():
    assert is_heavy_tailed(np.array([1.0, 1.0, 1.0, 9.0]))
    assert not is_heavy_tailed(np.array([1.0, 1.0, 1.0, 7.0]))
    assert not is_heavy_tailed(np.array([0.0, 1.0, 1.0, 9.0]))


def test_both_errors_of_a_signal_share_their_kind_of_axis():
    samples = made_samples(5)
    samples.mse["mean"]["voltage_v"] = np.array([0.01, 0.01, 0.01, 0.01, 100.0])
    axes = figure_5({20: samples}).axes
    assert [axis.get_yscale() for axis in axes[:4]] == ["log", "log", "linear", "linear"]


def ablated(cycles, detach, value):
    return {"early_cycles": cycles, "detach": detach, "mae": value, "rmse": 2 * value}


def test_a_heat_map_has_the_rows_of_the_paper_then_a_gap_and_those_beyond():
    rows = [ablated(100, "Decoder_2", 0.25), ablated(20, "None", 0.5), ablated(20, "labels", 0.75)]
    left, right, *_ = heat_map_figure(rows, "total").axes
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names[:3] == ["Dec_1", "Dec_2", "Enc_2"]
    assert names[-4:] == ["Enc_16", "Emb", "None", "labels"]
    assert len(names) == 33
    assert [label.get_text() for label in left.get_xticklabels()] == ["20", "100"]
    values = image_of(left)
    assert values.shape == (34, 2)
    assert (values[1, 1], values[31, 0], values[33, 0]) == (0.25, 0.5, 0.75)
    assert np.count_nonzero(np.isfinite(values)) == 3
    assert [text.get_text() for text in left.texts] == ["0.250", "0.500", "0.750"]
    assert [text.get_position() for text in left.texts] == [(1, 1), (0, 31), (0, 33)]
    assert image_of(right)[1, 1] == 0.5
    assert left.get_title(loc="left") == "(a) total, MAE"


def test_cells_that_were_not_run_are_hatched_but_not_the_gap():
    rows = [ablated(20, "None", 0.5), ablated(20, "latent", 0.5)]
    axis = heat_map_figure(rows, "total").axes[0]
    hatched = sorted(patch.get_y() + 0.5 for patch in axis.patches if patch.get_hatch())
    assert hatched == list(range(31))
    assert axis.get_xlabel() == "early cycles n (hatched: not run)"


def test_a_heat_map_of_a_signal_has_its_unit():
    row = {"mae_temperature_degc": 0.4, "rmse_temperature_degc": 0.7}
    rows = [{"early_cycles": 20, "detach": "None", **row}]
    left, right, *_ = heat_map_figure(rows, "temperature_degc").axes
    assert left.get_title(loc="left") == "(a) temperature, MAE / °C"
    assert right.get_title(loc="left") == "(b) temperature, RMSE / °C"
    assert image_of(right)[-1, 0] == 0.7


def made_matrix(count=40, dimensions=6, weight=0.75):
    """Two groups of conditions far apart: EOL 400 and EOL 800."""
    labels = np.array([(400 if k < count // 2 else 800, k % 10 + 1) for k in range(count)])
    noise = np.random.default_rng(0).normal(size=(count, dimensions))
    embeddings = noise + np.where(labels[:, :1] == 400, -50.0, 50.0)
    return EmbeddingMatrix(
        embeddings.astype(np.float32), labels, np.array(["c"] * count), condition_weight=weight
    )


def test_a_cluster_bears_mean_eol_mean_ecl_and_their_distance_from_nothing():
    labels = np.array([(400, 10), (500, 20)])
    # 0.75 * 450 + 0.25 * 15
    assert cluster_text(labels, 0.75) == "EOL 450\nECL 15\n341"


def test_the_map_of_an_embedding_is_clustered_annotated_and_coloured():
    matrix = made_matrix()
    figure = embedding_figure(matrix, "(a) first 20 cycles", seed=0)
    chart, by_eol, by_ecl = figure.axes[:3]
    assert len(chart.collections[0].get_offsets()) == 40
    assert_array_equal(by_eol.collections[0].get_array(), matrix.labels[:, 0])
    assert_array_equal(by_ecl.collections[0].get_array(), matrix.labels[:, 1])
    assert figure.get_suptitle() == "(a) first 20 cycles\nt-SNE of 40 conditions"
    assert chart.get_title(loc="left") == (
        "10 clusters (k-means): mean EOL, mean ECL, and (14) from (0, 0) with weight 0.75"
    )
    assert len(chart.texts) == 10
    assert {text.get_text().split("\n")[0] for text in chart.texts} == {"EOL 400", "EOL 800"}


def test_the_map_of_an_embedding_is_the_same_for_the_same_seed():
    embeddings = made_matrix(12).embeddings
    assert_array_equal(tsne(embeddings, 3), tsne(embeddings, 3))


@pytest.mark.parametrize(("count", "dimensions"), [(4, 6), (5, 1), (12, 2)])
def test_small_embeddings_are_drawn_without_a_warning(count, dimensions):
    figure = embedding_figure(made_matrix(count, dimensions), "", seed=0)
    assert len(figure.axes[0].texts) == min(count, 10)


def test_points_that_coincide_make_fewer_clusters():
    points = np.array([(0.0, 0.0)] * 3 + [(9.0, 9.0)] * 3)
    member = clusters(points, seed=0)
    assert sorted({tuple(member[:3]), tuple(member[3:])}) == [(0, 0, 0), (1, 1, 1)]


def test_a_large_embedding_is_drawn_in_part(monkeypatch):
    monkeypatch.setattr("rcvae_tf.report.figure_embedding.MOST_ROWS", 30)
    monkeypatch.setattr("rcvae_tf.report.figure_embedding.tsne", lambda rows, seed: rows[:, :2])
    figure = embedding_figure(made_matrix(), "", seed=7)
    assert len(figure.axes[0].collections[0].get_offsets()) == 30
    assert figure.get_suptitle().endswith("t-SNE of 30 of 40 conditions, drawn with seed 7")


def test_an_embedding_that_tells_nothing_apart_is_refused():
    with pytest.raises(SettingsError, match=r"Received: 8, of which 1 differ\."):
        tsne(np.ones((8, 3)), 0)
    with pytest.raises(SettingsError, match=r"needs 4 conditions .* Received: 3"):
        tsne(np.eye(3), 0)
