import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.model.layers import (
    ConditionEmbedding,
    ContinuousCondition,
    GaussianSampling,
    PlainStack,
    ResidualStack,
    reparameterise,
)
from rcvae_tf.model.networks import Decoder, Encoder
from rcvae_tf.model.scaling import QuasiVideoScaling

RNG = np.random.default_rng
STATISTICS = {
    "voltage_v": {
        "minimum": 2.0,
        "maximum": 4.0,
        "mean": 3.0,
        "spread": 0.5,
        "mean_curve": [3.0, 3.1, 3.2, 3.3],
    }
}
# Every layer of the model with inputs of two samples; z_log_var low enough for no visible noise.
LAYERS = {
    "embedding": (ConditionEmbedding(3, 2), [np.array([2, 0])]),
    "continuous": (ContinuousCondition(600.0, 100.0, 50.0, 3), [np.array([[700.0, 5.0]] * 2)]),
    "plain": (PlainStack(2, 3), [RNG(0).normal(size=(2, 4))]),
    "residual": (ResidualStack(2, 3), [RNG(0).normal(size=(2, 4))]),
    "plain without layer 2": (PlainStack(3, 3, 2), [RNG(0).normal(size=(2, 4))]),
    "residual without block 1": (ResidualStack(3, 3, 1), [RNG(0).normal(size=(2, 4))]),
    "sampling": (GaussianSampling(seed=4), [RNG(0).normal(size=(2, 2)), np.full((2, 2), -90.0)]),
    "encoder": (
        Encoder(2, 3, 2, "plain"),
        [RNG(0).normal(size=(2, 4)), RNG(1).normal(size=(2, 3))],
    ),
    "decoder": (
        Decoder(2, 3, 4, "residual"),
        [RNG(0).normal(size=(2, 2)), RNG(1).normal(size=(2, 3))],
    ),
    "decoder without layer 1": (
        Decoder(2, 3, 4, "plain", 1),
        [RNG(0).normal(size=(2, 2)), RNG(1).normal(size=(2, 3))],
    ),
    "encoder without layer 2": (
        Encoder(2, 3, 2, "residual", 2),
        [RNG(0).normal(size=(2, 4)), RNG(1).normal(size=(2, 3))],
    ),
    "scaling": (
        QuasiVideoScaling(STATISTICS, 2, 2, 2, "min_max"),
        [RNG(0).normal(3.0, 1.0, (2, 3, 2, 2, 2))],
    ),
}


def in_float32(inputs):
    return [x if x.dtype.kind == "i" else x.astype(np.float32) for x in inputs]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_config(name):
    layer, inputs = LAYERS[name]
    inputs = in_float32(inputs)
    expected = layer(*inputs)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again(*inputs)
    again.set_weights(layer.get_weights())
    for one, other in zip(
        keras.tree.flatten(again(*inputs)), keras.tree.flatten(expected), strict=True
    ):
        assert_array_equal(one, other)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_registered_under_the_name_of_the_package(name):
    layer, _ = LAYERS[name]
    registered = f"rcvae_tf>{type(layer).__name__}"
    assert keras.saving.get_registered_object(registered) is type(layer)


def test_embedding_gives_the_row_of_an_index():
    layer = ConditionEmbedding(3, 2)
    layer.build((None,))
    layer.set_weights([np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])])
    assert_array_equal(layer(np.array([2, 0, 2])), [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]])


def test_embedding_has_no_row_for_unknown_labels():
    layer = ConditionEmbedding(3, 2)
    layer.build((None,))
    assert layer.embeddings.shape == (3, 2)


def test_continuous_condition_worked_by_hand():
    layer = ContinuousCondition(eol_mean=600.0, eol_spread=200.0, ecl_range=50.0, num_frequencies=2)
    values = layer(np.array([[1000.0, 25.0]], np.float32))
    expected = [
        2.0,  # (1000 - 600) / 200
        0.5,  # 25 / 50
        np.log(25.0) / 2.0 - 1.0,
        np.exp(-24.0 / 1.5),
        np.exp(-24.0 / 6.0),
        np.sin(0.5),
        np.cos(0.5),
        np.sin(1.0),
        np.cos(1.0),
    ]
    assert layer.size == 9
    assert_allclose(values, [expected], rtol=1e-5, atol=1e-7)


def test_continuous_condition_of_the_first_cycle_is_finite():
    values = ContinuousCondition(600.0, 1.0, 1.0)(np.array([[600.0, 1.0]], np.float32)).numpy()
    assert_allclose(values[0, :5], [0.0, 1.0, -1.0, 1.0, 1.0], atol=1e-6)


def test_plain_stack_is_linear_then_relu_layer_after_layer():
    layer = PlainStack(2, 2)
    layer.build((None, 2))
    first = [np.array([[1.0, -1.0], [2.0, 0.0]]), np.array([0.5, 0.0])]
    second = [np.array([[1.0, -3.0], [1.0, 1.0]]), np.array([-1.0, 10.0])]
    layer.set_weights([*first, *second])
    # (1, 1) -> h (3.5, -1) -> a (3.5, 0) -> h (2.5, -0.5) -> a (2.5, 0)
    # (0, -1) -> h (-1.5, 0) -> a (0, 0) -> h (-1, 10) -> a (0, 10)
    a = layer(np.array([[1.0, 1.0], [0.0, -1.0]], np.float32))
    assert_allclose(a, [[2.5, 0.0], [0.0, 10.0]], atol=1e-6)


def test_plain_stack_has_as_many_layers_as_asked():
    layer = PlainStack(16, 4)
    layer.build((None, 3))
    assert [kernel.shape for kernel in layer.get_weights()[::2]] == [(3, 4), *[(4, 4)] * 15]


def test_a_plain_stack_without_a_layer_joins_its_neighbours():
    layer = PlainStack(3, 2, detached_layer=2)
    layer.build((None, 2))
    first = [np.array([[1.0, -1.0], [2.0, 0.0]]), np.array([0.5, 0.0])]
    third = [np.array([[1.0, -3.0], [1.0, 1.0]]), np.array([-1.0, 10.0])]
    layer.set_weights([*first, *third])
    # (1, 1) -> h (3.5, -1) -> a (3.5, 0) -> h (2.5, -0.5) -> a (2.5, 0)
    assert_allclose(layer(np.array([[1.0, 1.0]], np.float32)), [[2.5, 0.0]], atol=1e-6)


def test_a_residual_stack_without_a_block_keeps_the_stream_of_the_others():
    layer, same = ResidualStack(3, 4, detached_layer=2), ResidualStack(2, 4)
    x = RNG(0).normal(size=(5, 2)).astype(np.float32)
    layer(x)
    same(x)
    weights = [RNG(k).normal(size=w.shape) for k, w in enumerate(same.get_weights())]
    for stack in (layer, same):
        stack.set_weights(weights)
    assert_array_equal(layer(x), same(x))


@pytest.mark.parametrize("detached", [1, 2, 4])
@pytest.mark.parametrize("stack", [PlainStack, ResidualStack])
def test_the_layers_that_stay_start_as_in_the_whole_stack(stack, detached):
    def first_weights(detached_layer):
        keras.utils.set_random_seed(5)
        layer = stack(4, 3, detached_layer, name="stack")
        layer.build((None, 3))
        return {weight.path: weight.numpy() for weight in layer.weights}

    whole, part = first_weights(None), first_weights(detached)
    assert not [path for path in part if f"_{detached}/" in path]
    assert len(whole) - len(part) == (2 if stack is PlainStack else 6)
    for path, values in part.items():
        assert_array_equal(values, whole[path], err_msg=path)


def test_residual_blocks_start_as_the_identity():
    layer = ResidualStack(3, 4)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    out = layer(x).numpy()
    stream = layer.inlet(x).numpy()
    centred = stream - stream.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt(stream.var(axis=1, keepdims=True) + layer.outlet.epsilon)
    assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_a_residual_block_adds_to_its_stream():
    layer = ResidualStack(1, 2)
    x = np.array([[1.0, 0.0]], np.float32)
    layer(x)
    layer.inlet.set_weights([np.array([[3.0, 1.0], [0.0, 0.0]]), np.zeros(2)])
    # norm gives (1, -1); gelu(100, -100) is (100, 0); the way back adds (100, 0) * 0.5
    layer.hidden[0].set_weights([100.0 * np.eye(2), np.zeros(2)])
    layer.returns[0].set_weights([0.5 * np.eye(2), np.zeros(2)])
    layer.outlet.set_weights([np.array([1.0, 2.0]), np.array([0.0, 5.0])])
    # stream (3, 1) + (50, 0) = (53, 1); normed (1, -1); scaled and shifted (1, 3)
    assert_allclose(layer(x), [[1.0, 3.0]], atol=2e-3)


def test_draw_is_mean_plus_deviation_times_noise():
    z_mean = np.array([[1.0, -2.0]], np.float32)
    z_log_var = np.array([[np.log(4.0), np.log(0.25)]], np.float32)
    epsilon = np.array([[0.5, -3.0]], np.float32)
    assert_allclose(reparameterise(z_mean, z_log_var, epsilon), [[2.0, -3.5]], rtol=1e-6)


def test_draws_have_the_mean_and_the_variance_of_the_encoder():
    shape = (20_000, 1)
    z = GaussianSampling(seed=0)(np.full(shape, 3.0, "f4"), np.full(shape, np.log(4.0), "f4"))
    # Standard errors: 2 / sqrt(20000) = 0.014 of the mean, 0.01 of the deviation; four of them.
    assert_allclose(np.mean(z), 3.0, atol=0.06)
    assert_allclose(np.std(z), 2.0, atol=0.04)


def test_draws_follow_the_seed_and_differ_from_call_to_call():
    zeros = np.zeros((2, 3), np.float32)
    layer, same, other = (
        GaussianSampling(seed=1),
        GaussianSampling(seed=1),
        GaussianSampling(seed=2),
    )
    first = layer(zeros, zeros).numpy()
    assert_array_equal(first, same(zeros, zeros))
    assert not np.allclose(first, other(zeros, zeros))
    assert not np.allclose(first, layer(zeros, zeros))
