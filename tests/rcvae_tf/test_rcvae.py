import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import SIGNALS
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import model_inputs, validation_batches
from rcvae_tf.model.layers import PlainStack
from rcvae_tf.model.rcvae import RCVAE
from rcvae_tf.presets import resolve
from rcvae_tf.training.fit import build_model
from tests.rcvae_tf.builders import NUM_POINTS, WITHOUT_TEMPERATURE, randomise, tiny_model

TERMS = ("loss", "mse", "kld")
# The paper's decoder with all its options, as the paper has it, and the canvas.
KINDS = {
    "quasi_video": ("default", {"decoder": "quasi_video"}),
    "paper": ("paper", {}),
    "canvas": ("default", {}),
}


def model_of(dataset, kind, **flags):
    preset, own = KINDS[kind]
    return tiny_model(dataset, preset, **own, **flags)


def batch_of(data, vocabulary):
    return {name: tf.constant(v) for name, v in model_inputs(data, vocabulary).items()}


def silence(model):
    """Makes the draw of z as good as its mean: log variance -20 for every sample."""
    head = model.encoder.log_variance_head
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign(np.full(head.bias.shape, -20.0))
    return model


def restart_noise(model):
    generator = model.sampling.seed_generator
    generator.state.assign(keras.random.SeedGenerator(model.seed).state)


@pytest.fixture(params=["quasi_video", "paper"])
def kind(request):
    return request.param


@pytest.fixture(params=KINDS)
def any_kind(request):
    return request.param


@pytest.fixture
def model_and_batch(dataset, kind):
    model, vocabulary = model_of(dataset, kind)
    return randomise(model), batch_of(dataset.train, vocabulary)


def test_forward_propagation_is_algorithm_1(dataset):
    model, vocabulary = tiny_model(dataset, "paper", seed=7)
    randomise(model)
    batch = batch_of(dataset.train, vocabulary)
    weights = {weight.path: weight.numpy() for weight in model.trainable_variables}

    def linear(name, a):
        (kernel,) = (w for path, w in weights.items() if path.endswith(f"{name}/kernel"))
        (bias,) = (w for path, w in weights.items() if path.endswith(f"{name}/bias"))
        return a @ kernel + bias

    def hidden(network, a):
        for k in (1, 2):
            a = np.maximum(linear(f"{network}/stack/hidden_{k}", a), 0.0)
        return a

    low, span = np.zeros((3, 2, 1, 1)), np.ones((3, 2, 1, 1))
    for channel, depth, name in [(0, 0, "voltage_v"), (1, 0, "current_c_rate")] + [
        (2, 0, "temperature_degc"),
        *((channel, 1, "charge_capacity_ah") for channel in range(3)),
    ]:
        statistics = dataset.card.statistics[name]
        low[channel, depth] = statistics.minimum
        span[channel, depth] = statistics.maximum - statistics.minimum
    x = ((dataset.train.quasi_video[:, :, :2] - low) / span).reshape(15, -1)
    # Step 1
    (embeddings,) = (w for path, w in weights.items() if path.endswith("embeddings"))
    embedded = embeddings[vocabulary.indices(dataset.train.conditions)]
    # Steps 2 and 3
    a = hidden("encoder", np.concatenate([embedded, x], axis=1))
    z_mean, z_log_var = linear("mean_head", a), linear("log_variance_head", a)
    # Step 4
    epsilon = keras.random.normal((15, 2), seed=keras.random.SeedGenerator(7)).numpy()
    z = z_mean + epsilon * np.exp(0.5 * z_log_var)
    # Steps 5 and 6
    a = hidden("decoder", np.concatenate([z, embedded], axis=1))
    generated = linear("decoder/head", a).reshape(-1, 3, 2, 4, 4) * span + low
    assert_allclose(model(batch), generated, rtol=1e-3, atol=1e-3)


def test_train_and_test_step_share_the_loss(model_and_batch):
    model, batch = model_and_batch
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    tested = model.test_step(batch)
    restart_noise(model)
    model.reset_metrics()
    trained = model.train_step(batch)
    for term in TERMS:
        assert_allclose(trained[term], tested[term], rtol=1e-6)


def test_loss_is_mse_plus_the_weighted_kld(dataset, kind):
    model, vocabulary = model_of(dataset, kind, kl_weight=0.5)
    batch = batch_of(dataset.train, vocabulary)
    randomise(model).kl_scale.assign(0.25)
    terms, _, _ = model.losses_of(batch)
    assert_allclose(terms["loss"], terms["mse"] + 0.5 * 0.25 * terms["kld"], rtol=1e-6)


@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("mean", 3 * 3 * NUM_POINTS)])
def test_what_is_decoded_from_z_0_counts_with_its_weight(dataset, reduction, divisor):
    model, vocabulary = model_of(
        dataset, "quasi_video", mean_mode_weight=2.0, mse_reduction=reduction
    )
    # An untrained residual decoder gives the mean curve, 0 when scaled, for every z.
    terms, x, x_reconstructed = model.losses_of(batch_of(dataset.train, vocabulary))
    assert_array_equal(x_reconstructed, np.zeros(x.shape))
    squares = np.sum(np.square(x), axis=1).mean() / divisor
    assert_allclose(terms["mse"], (1.0 + 2.0) * squares, rtol=1e-5)


def test_both_steps_return_the_keys_of_the_metrics(model_and_batch, kind):
    model, batch = model_and_batch
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    signals = SIGNALS if kind == "quasi_video" else SIGNALS[:4]
    expected = [*TERMS, "mae", *(f"mae_{name}" for name in signals)]
    assert [metric.name for metric in model.metrics] == expected
    assert list(model.train_step(batch)) == expected
    assert list(model.test_step(batch)) == expected


def test_a_training_step_reaches_every_weight(model_and_batch):
    model, batch = model_and_batch
    before = [weight.numpy() for weight in model.trainable_variables]
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    model.train_step(batch)
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert np.any(weight.numpy() != old), weight.path
    assert model.kl_scale.numpy() == 1.0


def test_the_squared_error_reaches_the_variance(model_and_batch):
    model, batch = model_and_batch
    with tf.GradientTape() as tape:
        terms, _, _ = model.losses_of(batch)
    gradient = tape.gradient(terms["mse"], model.encoder.log_variance_head.kernel.value)
    assert np.abs(gradient).max() > 1e-6


def test_output_changes_with_z_and_with_the_label(model_and_batch):
    model, batch = model_and_batch
    z = np.zeros((15, 2), np.float32)
    out = model.decode(z, batch).numpy()
    other_label = {**batch, "condition_index": batch["condition_index"][::-1]}
    assert np.abs(model.decode(z + 1.0, batch).numpy() - out).max() > 1e-2
    assert np.abs(model.decode(z, other_label).numpy() - out).max() > 1e-2


def test_only_a_continuous_condition_gives_eol_and_ecl_as_numbers(model_and_batch, kind):
    model, batch = model_and_batch
    moved = {**batch, "condition": batch["condition"] + 50.0}
    z = np.zeros((15, 2), np.float32)
    change = np.abs(model.decode(z, moved).numpy() - model.decode(z, batch).numpy()).max()
    assert (change > 1e-2) == (kind == "quasi_video")


def test_a_deviation_is_encoded_from_the_curve_at_z_0(dataset):
    model, vocabulary = model_of(dataset, "quasi_video", encode_deviation=True)
    batch = batch_of(dataset.train, vocabulary)
    at_zero = randomise(model).decode(np.zeros((15, 2), np.float32), batch)
    z_mean, _ = model.encode({**batch, "x": at_zero})
    expected, _ = model.encoder(np.zeros((15, model.scaling.sample_size), "f4"), model.embed(batch))
    assert_allclose(z_mean, expected, rtol=1e-3, atol=1e-4)


def test_the_kld_does_not_reach_the_decoder_through_the_deviation(dataset):
    model, vocabulary = model_of(dataset, "quasi_video", encode_deviation=True)
    with tf.GradientTape() as tape:
        terms, _, _ = randomise(model).losses_of(batch_of(dataset.train, vocabulary))
    assert tape.gradient(terms["kld"], model.decoder.head.kernel.value) is None


def test_a_smaller_last_batch_counts_by_its_samples(dataset, any_kind):
    model, vocabulary = model_of(dataset, any_kind)
    silence(randomise(model)).compile(run_eagerly=True)
    halves, whole = (
        model.evaluate(
            validation_batches(dataset.test, vocabulary, size), verbose=0, return_dict=True
        )
        for size in (4, 6)
    )
    assert halves.keys() == whole.keys()
    for name, value in whole.items():
        # What is left of the noise has a deviation of 5e-5.
        assert_allclose(halves[name], value, rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("mode", ["reconstruct", "mean"])
def test_validation_measures_what_its_mode_says(dataset, mode):
    model, vocabulary = model_of(dataset, "quasi_video", validation_mode=mode)
    batch = batch_of(dataset.test, vocabulary)
    silence(randomise(model))
    z = model.encode(batch)[0] if mode == "reconstruct" else np.zeros((6, 2), np.float32)
    error = np.abs(model.decode(z, batch).numpy() - dataset.test.quasi_video).mean(axis=(0, 3, 4))
    result = model.test_step(batch)
    assert_allclose(result["mae_current_c_rate"], error[1, 0], rtol=2e-3)
    assert_allclose(result["mae_charge_capacity_ah"], error[:, 1].mean(), rtol=2e-3)
    assert_allclose(result["mae_elapsed_time_s"], error[:, 2].mean(), rtol=2e-3)
    assert_allclose(result["mae"], error[:, :2].mean(), rtol=2e-3)


def test_an_absent_temperature_is_masked_from_loss_error_and_output(
    dataset_without_temperature, kind
):
    data = dataset_without_temperature.train
    model, vocabulary = model_of(dataset_without_temperature, kind)
    randomise(model).compile(optimizer=keras.optimizers.SGD(0.0))
    batch = batch_of(data, vocabulary)
    depth = model.config.quasi_video_depth
    assert model.signals_present == WITHOUT_TEMPERATURE[: depth + 1]
    assert "mae_temperature_degc" not in model.test_step(batch)
    assert_array_equal(model(batch)[:, 2, 0], np.zeros((15, 4, 4)))

    disturbed = data.quasi_video.copy()
    disturbed[:, 2, 0] = 99.0
    results = []
    for x in (data.quasi_video, disturbed):
        restart_noise(model)
        model.reset_metrics()
        results.append(model.test_step({**batch, "x": tf.constant(x)}))
    for name, value in results[0].items():
        assert_array_equal(results[1][name], value, err_msg=name)
    shares = [1 / 5, 1 / 5, 3 / 5, 0][: len(model.signals_present)]
    parts = [results[0][f"mae_{name}"] for name in model.signals_present]
    assert_allclose(results[0]["mae"], np.dot(shares, parts), rtol=1e-5)


def test_preset_paper_builds_the_network_of_the_paper(dataset):
    config = resolve("paper")
    vocabulary = Vocabulary(dataset.train.conditions, config.training.condition_weight)
    model = build_model(config, dataset, vocabulary)
    sample_size = 3 * 2 * NUM_POINTS
    width, latent_dim = config.model.hidden_dim, config.model.latent_dim
    assert model.embedding.embeddings.shape == (15, 473)
    for network, inlet in ((model.encoder, 473 + sample_size), (model.decoder, 473 + latent_dim)):
        assert type(network.stack) is PlainStack
        kernels = [layer.kernel.shape for layer in network.stack.hidden]
        assert kernels == [(inlet, width), *[(width, width)] * 15]
    assert model.decoder.head.kernel.shape == (width, sample_size)
    assert model.signals_present == SIGNALS[:4]


def test_loss_of_preset_paper_is_that_of_the_paper(dataset):
    model, vocabulary = tiny_model(dataset, "paper")
    batch = batch_of(dataset.train, vocabulary)
    terms, x, x_reconstructed = randomise(model).losses_of(batch)
    z_mean, z_log_var = (np.asarray(part) for part in model.encode(batch))
    mean_square = np.mean((np.asarray(x) - np.asarray(x_reconstructed)) ** 2)
    divergence = -0.5 * np.sum(1 + z_log_var - z_mean**2 - np.exp(z_log_var))
    assert_allclose(terms["mse"], mean_square, rtol=1e-5)
    assert_allclose(terms["loss"], mean_square + divergence / 15, rtol=1e-5)


def test_a_model_is_made_again_from_its_config(model_and_batch):
    model, batch = model_and_batch
    again = RCVAE.from_config(model.get_config())
    again.build()
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    assert_array_equal(again(batch), model(batch))


def test_a_saved_model_gives_the_same_output(either_run, dataset, tmp_path):
    model = either_run.model
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    batch = batch_of(dataset.test, either_run.vocabulary)
    for one, other in zip(loaded.encode(batch), model.encode(batch), strict=True):
        assert_array_equal(one, other)
    z = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    assert_array_equal(loaded.decode(z, batch), model.decode(z, batch))
    assert loaded.get_config() == model.get_config()


DETACHED = ("encoder_2", "decoder_1", "embedding", "latent")


def detached_and_batch(dataset, kind, detach):
    keras.backend.clear_session()  # the same names for every model
    keras.utils.set_random_seed(3)
    model, vocabulary = model_of(dataset, kind, detach=detach)
    return model, batch_of(dataset.train, vocabulary)


@pytest.mark.parametrize("detach", DETACHED)
def test_what_stays_starts_from_the_weights_of_the_whole_model(dataset, any_kind, detach):
    whole, _ = detached_and_batch(dataset, any_kind, "none")
    model, _ = detached_and_batch(dataset, any_kind, detach)
    expected = {weight.path: weight.numpy() for weight in whole.weights}
    others = [w.path for w in model.weights if w.shape != expected[w.path].shape]
    # Only a layer that takes something else than before cannot start from the same weights.
    inlet = "hidden_1" if any_kind == "paper" else "inlet"
    told = ("encoder", "duration", "decoder") if any_kind == "canvas" else ("encoder", "decoder")
    fewer = {"embedding": [f"{net}/stack/{inlet}/kernel" for net in told]}
    if any_kind == "paper":
        fewer["decoder_1"] = ["decoder/stack/hidden_2/kernel"]
    assert [path.partition("/")[2] for path in others] == fewer.get(detach, [])
    for weight in model.weights:
        if weight.path not in others:
            assert_array_equal(weight.numpy(), expected[weight.path], err_msg=weight.path)


@pytest.mark.parametrize("detach", DETACHED)
def test_a_training_step_reaches_every_weight_that_is_left(dataset, any_kind, detach):
    model, batch = detached_and_batch(dataset, any_kind, detach)
    randomise(model).compile(optimizer=keras.optimizers.SGD(0.1))
    before = [weight.numpy() for weight in model.trainable_variables]
    model.train_step(batch)
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert np.any(weight.numpy() != old), weight.path


@pytest.mark.parametrize("detach", DETACHED)
def test_a_saved_model_stays_without_its_part(dataset, detach, tmp_path):
    model, batch = detached_and_batch(dataset, "paper", detach)
    randomise(model).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.config == model.config
    assert loaded.config.detach == detach
    assert [w.shape for w in loaded.weights] == [w.shape for w in model.weights]
    z = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    assert_array_equal(loaded.decode(z, batch), model.decode(z, batch))


def test_a_layer_less_is_a_layer_less_of_its_network_alone(dataset):
    sizes = {
        detach: [len(net.stack.hidden) for net in (model.encoder, model.decoder)]
        for detach in ("none", "encoder_2", "decoder_1")
        for model in [tiny_model(dataset, "paper", detach=detach)[0]]
    }
    assert sizes == {"none": [2, 2], "encoder_2": [1, 2], "decoder_1": [2, 1]}


def test_without_the_embedding_neither_network_is_told_the_condition(dataset, kind):
    model, batch = detached_and_batch(dataset, kind, "embedding")
    randomise(model)
    assert not [w.path for w in model.weights if "embedding" in w.path]
    assert model.embed(batch).shape == (15, 0)
    other = {
        **batch,
        "condition_index": batch["condition_index"][::-1],
        "condition": batch["condition"] + 50.0,
    }
    for one, same in zip(model.encode(batch), model.encode(other), strict=True):
        assert_array_equal(one, same)
    z = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    out = model.decode(z, batch).numpy()
    assert_array_equal(model.decode(z, other), out)
    assert np.abs(model.decode(z + 1.0, batch).numpy() - out).max() > 1e-2


def test_a_detached_latent_is_0_whatever_is_drawn(dataset, kind):
    model, batch = detached_and_batch(dataset, kind, "latent")
    randomise(model)
    z = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    at_zero = model.decode(np.zeros((15, 2), np.float32), batch)
    assert_array_equal(model.decode(z, batch), at_zero)
    assert_array_equal(model(batch), at_zero)
    other = {**batch, "condition_index": batch["condition_index"][::-1]}
    assert np.abs(model.decode(z, other).numpy() - at_zero).max() > 1e-2


def test_a_detached_latent_has_no_encoder_and_no_kld(dataset, kind):
    model, batch = detached_and_batch(dataset, kind, "latent")
    assert not [w.path for w in model.weights if "encoder" in w.path]
    for part in model.encode(batch):
        assert_array_equal(part, np.zeros((15, 2)))
    terms, _, _ = model.losses_of(batch)
    assert terms["kld"] == 0.0
    assert_array_equal(terms["loss"], terms["mse"])


def test_a_model_saved_before_there_was_a_detach_is_whole(dataset):
    model, batch = detached_and_batch(dataset, "paper", "none")
    old = model.get_config()
    del old["model_config"]["detach"]
    again = RCVAE.from_config(old)
    again.build()
    again.set_weights(model.get_weights())
    z = np.ones((15, 2), np.float32)
    assert_array_equal(again.decode(z, batch), model.decode(z, batch))
