from dataclasses import replace

import matplotlib.image
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.evaluation import pictures
from rcvae_tf.evaluation.pictures import draw_test_samples
from rcvae_tf.physical import named_curves
from rcvae_tf.run import Run
from rcvae_tf.run_directory import RunDirectory
from tests.rcvae_tf.builders import tiny_config, tiny_model


def test_pictures_of_test_samples_lie_in_the_run(run_copy, dataset, monkeypatch):
    monkeypatch.setattr(pictures, "NUM_SAMPLES", 2)
    paths = draw_test_samples(run_copy, dataset.test, seed=0)
    assert paths == [
        run_copy.directory.figures / name for name in ("curves.png", "bands.png", "frames.png")
    ]
    for path in paths:
        assert matplotlib.image.imread(path).std() > 0.02  # not a blank sheet


def test_what_is_drawn_is_the_test_split_against_the_run(
    dataset_without_temperature, tmp_path, monkeypatch
):
    given = {}

    def keep(measured, generated, titles, draws):
        given.update(measured=measured, generated=generated, titles=titles, draws=draws)

    monkeypatch.setattr(pictures, "curves_figure", keep)
    monkeypatch.setattr(
        pictures, "bands_figure", lambda measured, draws, titles: given.update(all_draws=draws)
    )
    monkeypatch.setattr(pictures, "frames_figure", lambda *frames: given.update(frames=frames))
    monkeypatch.setattr(pictures, "save_figure", lambda figure, path: None)
    model, vocabulary = tiny_model(dataset_without_temperature)
    run = Run(RunDirectory(tmp_path), tiny_config(), {}, model, vocabulary)
    test = dataset_without_temperature.test
    draw_test_samples(run, test, seed=3)

    rows = np.sort(np.random.default_rng(3).choice(6, 4, replace=False))
    eol, ecl = test.labels[rows[0]]
    assert given["titles"][0] == f"cell {test.cell_ids[rows[0]]}, EOL {eol}, ECL {ecl}"
    assert_allclose(given["measured"]["voltage_v"], test.curves["voltage_v"][rows])
    expected = run.mean_curves(test.labels[rows], test.policy_steps[rows])
    assert "temperature_degc" not in given["generated"]
    for name, values in expected.items():
        assert_allclose(given["generated"][name], values)
        assert given["draws"][name].shape == (4, 20, 16)
        assert given["all_draws"][name].shape == (4, 200, 16)
    assert_allclose(given["frames"][0], test.quasi_video[rows])
    generated = named_curves(given["frames"][1], test.signals_present)
    for name, values in expected.items():
        assert_allclose(generated[name], values, rtol=1e-6)


def test_each_sample_is_asked_for_with_its_own_policy(dataset, tmp_path, monkeypatch):
    asked = {}

    def answer(kind):
        def curves(run, labels, policy_steps, rng=None):
            asked[kind] = (labels, policy_steps)
            return {"voltage_v": np.zeros((len(labels), 16))}

        return curves

    monkeypatch.setattr(Run, "mean_curves", answer("mean"))
    monkeypatch.setattr(Run, "draw_curves", answer("draws"))
    for name in ("curves_figure", "bands_figure", "frames_figure", "save_figure"):
        monkeypatch.setattr(pictures, name, lambda *figure: None)
    steps = np.arange(6 * 6 * 2, dtype=np.float32).reshape(6, 6, 2)
    test = replace(dataset.test, policy_steps=steps)
    model, vocabulary = tiny_model(dataset)
    draw_test_samples(Run(RunDirectory(tmp_path), tiny_config(), {}, model, vocabulary), test, 3)

    rows = np.sort(np.random.default_rng(3).choice(6, 4, replace=False))
    assert_array_equal(asked["mean"][0], test.labels[rows])
    assert_array_equal(asked["mean"][1], steps[rows])
    assert_array_equal(asked["draws"][0][199:201], test.labels[rows[:2]])
    assert_array_equal(asked["draws"][1][199:201], steps[rows[:2]])
