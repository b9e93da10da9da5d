import copy
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS
from rcvae_tf.dataset import model_inputs
from rcvae_tf.model.canvas_frames import pack, unpack
from rcvae_tf.model.canvas_losses import spread_loss
from rcvae_tf.model.canvas_rcvae import CanvasRCVAE
from tests.rcvae_tf.builders import (
    EOL_OF_CELL,
    NUM_POINTS,
    POLICY_OF_CELL,
    WITHOUT_TEMPERATURE,
    randomise,
    tiny_model,
)

POLICY = "eol,ecl,policy"
KINDS = {
    "eol and ecl": {},
    "policy": {"condition": POLICY},
    "new cells": {
        "condition": POLICY,
        "known_lives": False,
        "blind_tail": True,
        "duration_to_curves": True,
    },
}
TERMS = ("loss", "l1", "mse", "kld", "duration_nll", "spread")
GRID = np.linspace(0.0, 1.0, NUM_POINTS)


def batch_of(data, vocabulary):
    return {name: tf.constant(v) for name, v in model_inputs(data, vocabulary).items()}


def conditions(labels, policies=None):
    """Inputs of `generate`."""
    steps = [policy_numbers(policy) for policy in policies or [""] * len(labels)]
    return {
        "condition": tf.constant(labels, tf.float32),
        "policy_steps": tf.constant(np.stack(steps), tf.float32),
    }


def unpacked(model, quasi_video):
    return unpack(quasi_video, len(model.charge.signals), model.num_points)


def repacked(model, quasi_video):
    height, width = quasi_video.shape[-2:]
    return pack(*unpacked(model, quasi_video), height, width)


def measured(model, quasi_video):
    curves, duration_min = unpacked(model, quasi_video)
    return np.asarray(curves), np.asarray(duration_min)


def drawn(model, inputs, rng=None):
    count = len(inputs["condition"])
    return measured(model, model.generate(inputs, model.draw_noise(count, rng)))


def quiet(model):
    """Makes the draw of z as good as its mean: log variance -20 for every sample."""
    head = model.encoder.log_variance_head
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign(np.full(head.bias.shape, -20.0))
    return model


def with_facts(model, **changed):
    """A model whose canvas is told other facts."""
    facts = copy.deepcopy(model.data_facts)
    facts["canvas"].update(changed)
    other = CanvasRCVAE(model.model_config, facts, model.num_conditions, model.seed)
    other.build()
    return other


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def model_and_batch(dataset, kind):
    model, vocabulary = tiny_model(dataset, **kind)
    return randomise(model), batch_of(dataset.train, vocabulary)


@pytest.fixture
def told_policy(dataset):
    return randomise(tiny_model(dataset, condition=POLICY)[0])


@pytest.fixture
def untrained(dataset):
    return tiny_model(dataset)[0]


# The expected charge


def test_an_untrained_model_expects_the_mean_duration_and_the_mean_canvas(untrained):
    curves, duration_min = drawn(untrained, conditions([[500, 3], [777, 90]]))
    facts = untrained.data_facts["canvas"]
    assert_allclose(duration_min, np.exp([facts["log_duration_mean"]] * 2), rtol=1e-5)
    knot_minutes = np.array(facts["knots"]) * facts["tail_min"]
    for k, scale in enumerate((0.05, 0.8, 1.0)):
        mean = np.array(facts["mean_canvas"][k]) * scale + facts["offset"][k]
        expected = np.interp(duration_min[0] * GRID, knot_minutes, mean)
        assert_allclose(curves[:, k], [expected] * 2, rtol=1e-4)


def test_an_untrained_model_adds_the_fast_charge_of_a_policy_to_the_duration(dataset):
    model, _ = tiny_model(dataset, condition=POLICY)
    _, duration_min = drawn(model, conditions([[500, 3]] * 3, ["4C", "5C(80%)", "4C(80%)"]))
    tail_min = np.exp(model.data_facts["canvas"]["log_duration_mean"])
    assert_allclose(duration_min, tail_min + np.array([0.0, 9.6, 12.0]), rtol=1e-5)


def test_elapsed_time_is_equally_spaced_to_the_duration(untrained):
    inputs = conditions([[500, 3]])
    quasi_video = np.asarray(untrained.generate(inputs, untrained.draw_noise(1, None)))
    time_s = quasi_video[0, :, 2].reshape(3, NUM_POINTS)
    duration_s = np.exp(untrained.data_facts["canvas"]["log_duration_mean"]) * 60.0
    assert_allclose(time_s, [duration_s * GRID] * 3, rtol=1e-4)


def test_expected_curves_are_those_of_z_0(model_and_batch):
    model, batch = model_and_batch
    curves, _ = measured(model, model.decode(np.zeros((15, 2), np.float32), batch))
    assert_array_equal(model.expected(batch), curves)


def test_expected_charges_change_with_life_and_age(untrained):
    randomise(untrained)
    curves, duration_min = drawn(untrained, conditions([[400, 3], [900, 3], [400, 90]]))
    for k in (1, 2):
        assert np.abs(curves[k] - curves[0]).max() > 1e-2
        assert abs(duration_min[k] - duration_min[0]) > 1e-3


def test_without_known_lives_only_the_age_counts(dataset):
    model = randomise(tiny_model(dataset, known_lives=False)[0])
    curves, duration_min = drawn(model, conditions([[400, 3], [900, 3], [400, 90]]))
    assert_array_equal(curves[0], curves[1])
    assert duration_min[0] == duration_min[1]
    assert np.abs(curves[2] - curves[0]).max() > 1e-2
    assert "embedding" not in {w.path.split("/")[0] for w in model.weights}


@pytest.mark.parametrize("condition", ["eol,ecl", POLICY])
def test_expected_charges_change_with_the_policy_only_where_it_is_a_condition(dataset, condition):
    model = randomise(tiny_model(dataset, condition=condition)[0])
    policies = ["5.4C(40%)-3.6C", "4.8C(80%)", ""]
    curves, duration_min = drawn(model, conditions([[500, 3]] * 3, policies))
    for k in (1, 2):
        differ = np.abs(curves[k] - curves[0]).max() > 1e-2
        assert differ == (condition == POLICY)
        assert (duration_min[k] != duration_min[0]) == (condition == POLICY)


def test_a_blind_tail_lasts_as_long_whatever_the_policy(dataset, told_policy):
    blind = randomise(tiny_model(dataset, **KINDS["new cells"])[0])
    inputs = conditions([[500, 3]] * 2, ["5C(80%)", "4C(80%)"])
    for model, same in ((blind, True), (told_policy, False)):
        _, duration_min = drawn(model, inputs)
        tail_min = duration_min - [9.6, 12.0]
        assert np.isclose(*tail_min, rtol=1e-5) == same


def test_a_blind_tail_looks_the_same_whatever_the_policy(dataset):
    blind = randomise(tiny_model(dataset, **KINDS["new cells"])[0])
    inputs = conditions([[500, 3]] * 2, ["5C(80%)", "4C(80%)"])
    told = blind.embed(inputs)
    drawing = blind._draw(tf.zeros((2, 2)), told, tf.zeros(2))
    late = blind.canvas.tail_minutes > 2.0
    early = blind.canvas.tail_minutes == 0.0
    for signal in (0, 1):
        one, other = np.asarray(drawing.scaled[:, signal])
        assert_allclose(one[late], other[late], rtol=1e-4, atol=1e-4)
        assert np.abs(one[early] - other[early]).max() > 1e-2


# Draws


def test_noise_is_drawn_for_z_the_duration_every_point_and_what_is_common(dataset):
    untrained, _ = tiny_model(dataset, noise_factors=5)
    noise = untrained.draw_noise(7, np.random.default_rng(0))
    assert {name: tuple(values.shape) for name, values in noise.items()} == {
        "z": (7, 2),
        "duration_epsilon": (7,),
        "point_noise": (7, 3, NUM_POINTS),
        "factors": (7, 5),
        "factor_sizes": (7, 5),
    }
    assert_array_equal(untrained.draw_noise(7, None)["z"], np.zeros((7, 2)))
    assert list(untrained.draw_noise(7, None)) == ["z"]


def test_the_spread_scale_stretches_all_noise_but_that_of_z(dataset):
    noises = [
        tiny_model(dataset, spread_scale=scale)[0].draw_noise(5, np.random.default_rng(1))
        for scale in (1.0, 2.5)
    ]
    assert_array_equal(noises[1]["z"], noises[0]["z"])
    for name in ("duration_epsilon", "point_noise"):
        assert_allclose(noises[1][name], 2.5 * noises[0][name], rtol=1e-6)


def test_noise_of_points_is_laplace_and_that_of_the_current_is_narrower(dataset):
    model, _ = tiny_model(dataset, spread_scale=1.0, current_spread=0.35)
    noise = np.asarray(model.draw_noise(4000, np.random.default_rng(2))["point_noise"])
    # A tenth of a Laplace distribution lies beyond ln 10 of its scale; three standard deviations
    # of 64,000 draws are 0.0036.
    reach = np.log(10.0) * np.array([1.0, 0.35, 1.0])
    beyond = np.mean(np.abs(noise) > reach[:, None], axis=(0, 2))
    assert_allclose(beyond, [0.1] * 3, atol=0.0036)


def test_a_drawn_duration_lies_its_spread_from_the_expected_one(untrained):
    noise = {"z": tf.zeros((3, 2)), "duration_epsilon": tf.constant([-1.0, 0.0, 2.0])}
    inputs = conditions([[500, 3]] * 3)
    _, duration_min = measured(untrained, untrained.generate(inputs, noise))
    facts = untrained.data_facts["canvas"]
    spread = facts["log_duration_spread"] * np.exp(-1.0)
    expected = np.exp(facts["log_duration_mean"] + spread * np.array([-1.0, 0.0, 2.0]))
    assert_allclose(duration_min, expected, rtol=1e-5)


def test_noise_of_a_point_is_as_large_as_the_spread_learned_there(untrained):
    log_spread = np.broadcast_to(np.log([[0.02], [0.1], [0.5]]), (3, 24))
    model = with_facts(untrained, log_spread=log_spread.tolist(), voltage_limits_v=[0.0, 9.0])
    inputs = conditions([[500, 3]])
    noise = {"z": tf.zeros((1, 2))}
    plain, _ = measured(model, model.generate(inputs, noise))
    noise["point_noise"] = 2.0 * tf.ones((1, 3, NUM_POINTS))
    noisy, _ = measured(model, model.generate(inputs, noise))
    # Twice the spread, in units of 0.05 V, 0.8 C and 1 degC.
    for k, shift in enumerate((0.002, 0.16, 1.0)):
        assert_allclose(noisy[0, k] - plain[0, k], np.full(NUM_POINTS, shift), atol=2e-5)


def test_a_spread_grows_to_three_times_its_start_and_shrinks_freely(untrained):
    facts = untrained.data_facts["canvas"]
    first = np.array(facts["log_spread"])
    nothing = tf.zeros((1, 3, 24))
    for moved, expected in ((9.0, first + np.log(3.0)), (-0.5, first - 3.0 * 0.5)):
        untrained.log_spread.assign(np.full((3, 24), moved))
        assert_allclose(
            untrained.drawer.spread(untrained.log_spread, nothing)[0], expected, rtol=1e-5
        )
    untrained.log_spread.assign(np.full((3, 24), -99.0))
    assert_allclose(
        untrained.drawer.spread(untrained.log_spread, nothing)[0], np.full((3, 24), -12.0)
    )


def test_noise_starts_from_what_lies_within_the_limits(untrained):
    # The mean canvas lies above the limit everywhere; noise downwards shows at once.
    log_spread = np.full((3, 24), np.log(0.1)).tolist()
    model = with_facts(untrained, log_spread=log_spread, voltage_limits_v=[0.0, 2.5])
    noise = {"z": tf.zeros((1, 2)), "point_noise": -tf.ones((1, 3, NUM_POINTS))}
    curves, _ = measured(model, model.generate(conditions([[500, 3]]), noise))
    assert_allclose(curves[0, 0], np.full(NUM_POINTS, 2.5 - 0.1 * 0.05), rtol=1e-5)


@pytest.mark.parametrize("weights", ["untrained", "perturbed", "common noise"])
def test_two_thousand_draws_keep_the_laws_of_charging(dataset, kind, weights):
    model = with_facts(tiny_model(dataset, **kind)[0], capacity_tolerance_ah=0.004)
    if weights == "perturbed":
        randomise(model, scale=0.2)
    if weights == "common noise":
        joint = model.joint_noise
        joint.loadings.assign(np.random.default_rng(4).normal(0.0, 0.02, joint.loadings.shape))
        joint.log_size_spread.assign(np.full(joint.num_factors, 0.5))
        joint.farthest.assign(np.full(joint.num_factors, 5.0))
    rng = np.random.default_rng(3)
    cells = rng.choice(list(EOL_OF_CELL), 2000)
    inputs = conditions(
        np.stack([rng.uniform(100, 2000, 2000), rng.uniform(1, 100, 2000)], axis=1),
        [POLICY_OF_CELL[cell] for cell in cells],
    )
    curves, duration_min = drawn(model, inputs, rng)
    assert np.isfinite(curves).all()
    assert duration_min.min() > 0
    voltage_v, current_c_rate, _, capacity_ah = np.moveaxis(curves, 1, 0)
    lowest_v, highest_v = model.data_facts["canvas"]["voltage_limits_v"]
    assert voltage_v.min() >= lowest_v - 1e-6
    assert voltage_v.max() <= highest_v + 1e-6
    assert current_c_rate.min() >= 0.0
    # Sums of float32 of up to 5 Ah.
    assert np.diff(capacity_ah).min() >= -1e-6
    added = 0.5 * (current_c_rate[:, 1:] + current_c_rate[:, :-1]).astype(float)
    hours = duration_min.astype(float)[:, None] / 60.0 / (NUM_POINTS - 1)
    on_grid_ah = np.cumsum(added * hours, axis=1) * 1.1
    assert np.abs(capacity_ah[:, 1:] - on_grid_ah).max() <= 0.004 + 2e-5
    assert np.std(duration_min) > 0.1
    assert np.std(voltage_v[:, 8]) > 1e-4


# Losses


def test_spread_loss_is_least_where_nine_tenths_of_errors_are_within_reach():
    # 90 of 100 errors are up to 0.9: a Laplace draw of that scale is within 0.9 in 90 %.
    error = np.linspace(0.01, 1.0, 100).astype(np.float32) * np.where(np.arange(100) % 2, 1, -1)
    scales = np.linspace(0.3, 0.5, 2001)
    losses = [float(spread_loss(error, np.full(100, np.log(s), np.float32))) for s in scales]
    best = scales[int(np.argmin(losses))]
    assert best * np.log(10.0) == pytest.approx(0.905, abs=0.006)


def test_spread_loss_weighs_too_small_nine_times_too_large():
    # Errors e times beyond and e times within reach.
    reach = np.log(np.log(10.0))
    error = np.float32([np.exp(reach + 1.0), np.exp(reach - 1.0)])
    losses = [float(spread_loss(error[k : k + 1], np.zeros(1, np.float32))) for k in (0, 1)]
    assert_allclose(losses, [0.9, 0.1], rtol=1e-4)


def test_an_error_of_zero_has_a_finite_spread_loss():
    assert np.isfinite(float(spread_loss(np.zeros(3, np.float32), np.zeros(3, np.float32))))


def test_no_gradient_of_the_spread_reaches_the_curves(model_and_batch):
    model, batch = model_and_batch
    with tf.GradientTape(persistent=True) as tape:
        terms, _, _ = model.losses_of(batch)
    assert_array_equal(tape.gradient(terms["spread"], model.decoder.curves.kernel.value), 0.0)
    assert np.abs(tape.gradient(terms["spread"], model.log_spread.value)).max() > 0


def test_the_loss_is_the_sum_of_its_terms(dataset, kind):
    model, vocabulary = tiny_model(dataset, kl_weight=0.5, **kind)
    randomise(model).kl_scale.assign(0.25)
    terms, _, _ = model.losses_of(batch_of(dataset.train, vocabulary))
    expected = 300.0 * terms["l1"] + terms["duration_nll"] + terms["spread"]
    assert_allclose(terms["loss"], expected + 0.5 * 0.25 * terms["kld"], rtol=1e-5)
    assert list(terms) == list(TERMS)


def test_absolute_errors_are_weighted_by_signal_and_half_again_at_z_0(dataset):
    model, vocabulary = tiny_model(dataset)
    batch = batch_of(dataset.train, vocabulary)
    # An untrained decoder draws the same for every z.
    terms, curves, generated = model.losses_of(batch)
    scaled = np.abs(np.asarray(curves) - np.asarray(generated)).mean(axis=(0, 2))
    scaled = scaled / [0.05, 0.8, 1.0, 0.05]
    weighted = scaled @ [1.0, 16.0, 1.0, 1.5] / 19.5
    assert_allclose(terms["l1"], 1.5 * weighted, rtol=1e-4)


def test_curves_are_compared_at_the_measured_duration(dataset):
    model, vocabulary = tiny_model(dataset)
    _, _, generated = model.losses_of(batch_of(dataset.train, vocabulary))
    facts = model.data_facts["canvas"]
    knot_minutes = np.array(facts["knots"]) * facts["tail_min"]
    mean_v = np.array(facts["mean_canvas"][0]) * 0.05 + facts["offset"][0]
    minutes = dataset.train.curves["elapsed_time_s"] / 60.0
    assert_allclose(generated[:, 0], np.interp(minutes, knot_minutes, mean_v), rtol=1e-4)


def test_the_duration_term_is_a_gaussian_likelihood_and_the_error_of_the_mean(dataset):
    model, vocabulary = tiny_model(dataset)
    terms, _, _ = model.losses_of(batch_of(dataset.train, vocabulary))
    facts = model.data_facts["canvas"]
    log_min = np.log(dataset.train.curves["elapsed_time_s"][:, -1] / 60.0)
    deviation = log_min - facts["log_duration_mean"]
    spread = facts["log_duration_spread"] * np.exp(-1.0)
    likelihood = np.mean(0.5 * (deviation / spread) ** 2 + np.log(spread))
    absolute = np.mean(np.abs(deviation)) / facts["log_duration_spread"]
    assert_allclose(terms["duration_nll"], likelihood + 0.5 * 3.0 * absolute, rtol=1e-4)


def test_the_duration_of_a_policy_is_learned_without_its_fast_charge(dataset):
    model, vocabulary = tiny_model(dataset, condition=POLICY)
    batch = batch_of(dataset.train, vocabulary)
    told = model.embed(batch)
    _, duration_min = unpacked(model, batch["x"])
    fast = {"made_0": 10.0, "made_1": 0.0, "made_2": 100 / 9, "made_3": 2.0 + 3.6 + 4.5}
    fast_min = np.array([fast[cell] for cell in dataset.train.cell_ids])
    assert_allclose(model.fast_minutes(told.policy_steps), fast_min, rtol=1e-5)
    expected = np.log(np.asarray(duration_min) - fast_min)
    assert_allclose(model.log_tail(duration_min, told.policy_steps), expected, rtol=1e-4)


# Steps


def test_a_training_step_reaches_every_weight_of_every_network(model_and_batch):
    model, batch = model_and_batch
    before = {weight.path: weight.numpy() for weight in model.trainable_variables}
    model.compile(optimizer=keras.optimizers.SGD(1e-3))
    model.train_step(batch)
    still = [w.path for w in model.trainable_variables if np.all(w.numpy() == before[w.path])]
    assert not still
    assert model.kl_scale.numpy() == 1.0


def test_the_error_of_curves_reaches_mean_and_variance_of_z(model_and_batch):
    model, batch = model_and_batch
    with tf.GradientTape(persistent=True) as tape:
        terms, _, _ = model.losses_of(batch)
    for head in (model.encoder.mean_head, model.encoder.log_variance_head):
        assert np.abs(tape.gradient(terms["l1"], head.kernel.value)).max() > 1e-7


def test_training_lowers_the_loss_from_the_start(dataset, kind):
    model, vocabulary = tiny_model(dataset, **kind)
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    batch = batch_of(dataset.train, vocabulary)
    losses = []
    for _ in range(5):
        model.reset_metrics()
        losses.append(float(model.train_step(batch)["loss"]))
    assert losses[-1] < 0.8 * losses[0]


def test_both_steps_return_the_keys_of_the_metrics(model_and_batch):
    model, batch = model_and_batch
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    expected = [*TERMS, "mae", *(f"mae_{name}" for name in SIGNALS[:4])]
    assert [metric.name for metric in model.metrics] == expected
    assert list(model.train_step(batch)) == expected
    assert list(model.test_step(batch)) == expected


@pytest.mark.parametrize("mode", ["reconstruct", "mean"])
def test_validation_measures_what_its_mode_says(dataset, mode):
    model, vocabulary = tiny_model(dataset, validation_mode=mode)
    batch = batch_of(dataset.test, vocabulary)
    quiet(randomise(model))
    curves, _ = measured(model, batch["x"])
    if mode == "reconstruct":  # of z, at the measured duration
        other = model.losses_of(batch)[2]
    else:
        other = measured(model, model.decode(np.zeros((6, 2), np.float32), batch))[0]
    error = np.abs(np.asarray(other) - curves).mean(axis=(0, 2))
    result = model.test_step(batch)
    for name, value in zip(SIGNALS[:4], error, strict=True):
        assert_allclose(result[f"mae_{name}"], value, rtol=2e-3)
    assert_allclose(result["mae"], error @ [1 / 6, 1 / 6, 1 / 6, 3 / 6], rtol=2e-3)


def test_training_moves_ages_but_not_lives_and_not_the_first_age(dataset):
    model, _ = tiny_model(dataset, ecl_jitter=3.0)
    labels = np.array([[500, 1], [500, 9], [500, 90]] * 400)
    moved = np.asarray(model.jittered(conditions(labels))["condition"])
    assert_array_equal(moved[:, 0], labels[:, 0])
    by_age = (moved[:, 1] - labels[:, 1]).reshape(400, 3)
    assert_array_equal(by_age[:, 0], np.zeros(400))
    # (9 - 1) / 8 = 1 cycle, and no more than 3; the deviation of 400 draws is known to 4 %.
    assert_allclose(by_age[:, 1:].std(axis=0), [1.0, 3.0], rtol=0.12)
    assert moved[:, 1].min() >= 1.0


def test_training_is_told_moved_ages_and_validation_the_measured_ones(dataset, monkeypatch):
    told = []
    losses_of = CanvasRCVAE.losses_of

    def watched(self, inputs):
        told.append(inputs["condition"].numpy()[:, 1])
        return losses_of(self, inputs)

    monkeypatch.setattr(CanvasRCVAE, "losses_of", watched)
    model, vocabulary = tiny_model(dataset, ecl_jitter=3.0)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    batch = batch_of(dataset.train, vocabulary)
    model.train_step(batch)
    model.test_step(batch)
    in_training, in_validation = told
    ecl = dataset.train.labels[:, 1]
    assert_array_equal(in_validation, ecl)
    assert_array_equal(in_training != ecl, ecl > 1)


def test_without_jitter_ages_stay(dataset):
    model, _ = tiny_model(dataset, ecl_jitter=0.0)
    inputs = conditions([[500, 90]])
    assert model.jittered(inputs) is inputs


# In and out


def test_measured_charges_come_out_as_they_went_in(dataset, untrained):
    quasi_video = dataset.train.quasi_video
    assert_allclose(repacked(untrained, tf.constant(quasi_video)), quasi_video, rtol=1e-5)


def test_unpacked_signals_are_in_the_order_of_the_curves(dataset, untrained):
    curves, duration_min = measured(untrained, tf.constant(dataset.train.quasi_video))
    for k, name in enumerate(SIGNALS[:4]):
        # A grey frame is the mean of three equal channels there, and the first of them here.
        assert_allclose(curves[:, k], dataset.train.curves[name], rtol=2e-7)
    assert_allclose(duration_min, dataset.train.curves["elapsed_time_s"][:, -1] / 60.0, rtol=1e-6)


def test_an_absent_temperature_is_neither_drawn_nor_compared(dataset_without_temperature):
    data = dataset_without_temperature.train
    for kind in KINDS.values():
        model, vocabulary = tiny_model(dataset_without_temperature, **kind)
        randomise(model).compile(optimizer=keras.optimizers.SGD(1e-3))
        batch = batch_of(data, vocabulary)
        assert model.signals_present == WITHOUT_TEMPERATURE
        assert_array_equal(model(batch)[:, 2, 0], np.zeros((15, 4, 4)))
        assert_allclose(repacked(model, batch["x"]), data.quasi_video, rtol=1e-5)
        result = model.train_step(batch)
        assert "mae_temperature_degc" not in result
        parts = [result[f"mae_{name}"] for name in WITHOUT_TEMPERATURE[:3]]
        assert_allclose(result["mae"], np.dot([1 / 5, 1 / 5, 3 / 5], parts), rtol=1e-5)


def test_a_saved_model_gives_the_same_curves(dataset, kind, tmp_path):
    model, vocabulary = tiny_model(dataset, **kind)
    randomise(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    batch = batch_of(dataset.test, vocabulary)
    for rng in (None, 5):
        one, other = (
            m.generate(batch, m.draw_noise(6, rng and np.random.default_rng(rng)))
            for m in (model, loaded)
        )
        assert_array_equal(one, other)
    for one, other in zip(model.encode(batch), loaded.encode(batch), strict=True):
        assert_array_equal(one, other)


def test_a_model_is_made_again_from_its_config(model_and_batch):
    model, batch = model_and_batch
    config = json.loads(json.dumps(model.get_config()))
    assert config["model_config"] == model.model_config
    again = CanvasRCVAE.from_config(config)
    again.build()
    again.set_weights(model.get_weights())
    assert_array_equal(again.expected(batch), model.expected(batch))


# Without a part


def test_without_the_embedding_no_network_is_told_the_condition(dataset):
    model, vocabulary = tiny_model(dataset, detach="embedding")
    batch = batch_of(dataset.train, vocabulary)
    randomise(model)
    other = {**batch, "condition": batch["condition"] + 50.0}
    for one, same in zip(model.encode(batch), model.encode(other), strict=True):
        assert_array_equal(one, same)
    z = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    out = model.decode(z, batch).numpy()
    assert_array_equal(model.decode(z, other), out)
    assert np.abs(model.decode(z + 1.0, batch).numpy() - out).max() > 1e-2


def test_a_detached_latent_is_0_whatever_is_drawn(dataset):
    model, vocabulary = tiny_model(dataset, detach="latent")
    batch = batch_of(dataset.train, vocabulary)
    randomise(model)
    z = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    assert_array_equal(model.decode(z, batch), model.decode(0.0 * z, batch))
    assert not [w.path for w in model.weights if "encoder" in w.path]
    terms, _, _ = model.losses_of(batch)
    assert terms["kld"] == 0.0


def test_a_layer_less_is_a_layer_less_of_its_network_alone(dataset):
    sizes = {
        detach: [len(net.stack.hidden) for net in (model.encoder, model.decoder)]
        for detach in ("none", "encoder_2", "decoder_1")
        for model in [tiny_model(dataset, detach=detach)[0]]
    }
    assert sizes == {"none": [2, 2], "encoder_2": [1, 2], "decoder_1": [2, 1]}
