import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.model.canvas import Canvas

# Knots at 0, 5, 10, 20 and 40 minutes.
PLAIN = Canvas([0.0, 0.125, 0.25, 0.5, 1.0], num_fast_steps=0, tail_min=40.0)
# Two fast steps with a knot in the middle of each, and a tail of 20 minutes with one half-way.
STEPPED = Canvas([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0], num_fast_steps=2, tail_min=20.0)
NO_STEPS = np.zeros((1, 1), np.float32)


def minutes_of(canvas, *step_minutes):
    return np.asarray(canvas.knot_minutes(np.array(step_minutes, np.float32)))


def read(canvas, values, duration_min, knot_minutes, num_points):
    location = canvas.locate(np.array(duration_min, np.float32), knot_minutes, num_points)
    return np.asarray(canvas.read(np.array(values, np.float32), location))


def test_without_a_policy_knots_lie_at_fixed_minutes():
    assert_array_equal(PLAIN.knot_minutes(np.zeros((2, 1), np.float32)), [[0, 5, 10, 20, 40]] * 2)


def test_each_fast_step_has_its_stretch_of_knots_whatever_its_length():
    assert_allclose(
        minutes_of(STEPPED, [4.0, 6.0], [8.0, 2.0]),
        [[0, 2, 4, 7, 10, 20, 30], [0, 4, 8, 9, 10, 20, 30]],
    )


def test_a_step_that_a_policy_does_not_have_takes_no_time():
    assert_allclose(minutes_of(STEPPED, [12.0, 0.0]), [[0, 6, 12, 12, 12, 22, 32]])


def test_an_unknown_policy_is_all_tail():
    assert_allclose(minutes_of(STEPPED, [0.0, 0.0]), [[0, 0, 0, 0, 0, 10, 20]])


def test_a_knot_between_two_steps_belongs_to_the_earlier_one():
    assert_array_equal(
        STEPPED.in_step, [[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1]]
    )
    assert_array_equal(PLAIN.in_step, np.ones((1, 5)))


def test_tail_minutes_begin_at_the_end_of_the_fast_charge():
    assert_array_equal(STEPPED.tail_minutes, [0, 0, 0, 0, 0, 10, 20])


def test_points_are_equally_spaced_over_the_duration():
    # 0, 7.5, 15, 22.5 and 30 minutes among knots at 0, 5, 10, 20, 40.
    location = PLAIN.locate(np.float32([30.0]), PLAIN.knot_minutes(NO_STEPS), 5)
    assert_array_equal(location.knot, [[0, 1, 2, 3, 3]])
    assert_allclose(location.share, [[0.0, 0.5, 0.5, 0.125, 0.5]], atol=1e-6)


def test_what_is_read_between_knots_lies_on_the_line_between_them():
    curves = read(
        PLAIN,
        [[[0.0, 1.0, 2.0, 8.0, 0.0], [10.0, 0.0, 10.0, 0.0, 10.0]]],
        [30.0],
        PLAIN.knot_minutes(NO_STEPS),
        5,
    )
    expected = [[[0.0, 1.5, 5.0, 7.0, 4.0], [10.0, 5.0, 5.0, 1.25, 5.0]]]
    assert_allclose(curves, expected, atol=1e-5)


def test_a_point_on_a_knot_has_its_value():
    knot_minutes = PLAIN.knot_minutes(NO_STEPS)
    # 0, 20 and 40 minutes: the first knot, the fourth and the last.
    assert_allclose(
        read(PLAIN, [[[3.0, 0.0, 0.0, 7.0, 9.0]]], [40.0], knot_minutes, 3)[0, 0], [3.0, 7.0, 9.0]
    )


def test_behind_the_canvas_its_last_value_holds():
    curves = read(PLAIN, [[[0.0, 0.0, 0.0, 2.0, 4.0]]], [80.0], PLAIN.knot_minutes(NO_STEPS), 5)
    assert_allclose(curves[0, 0], [0.0, 2.0, 4.0, 4.0, 4.0])


def test_a_missing_step_is_jumped_over_with_finite_values():
    # Knots at 0, 6, 12, 12, 12, 22, 32 minutes; points at 0, 8, 16, 24, 32.
    knot_minutes = STEPPED.knot_minutes(np.float32([[12.0, 0.0]]))
    values = [[[0.0, 6.0, 12.0, -50.0, 2.0, 12.0, 22.0]]]
    curves = read(STEPPED, values, [32.0], knot_minutes, 5)
    assert_allclose(curves[0, 0], [0.0, 8.0, 6.0, 14.0, 22.0], rtol=1e-5)
    # The point on the jump itself is already that of what follows.
    assert_allclose(read(STEPPED, values, [24.0], knot_minutes, 3)[0, 0, 1], 2.0, rtol=1e-5)


def test_every_charge_is_read_at_its_own_times():
    knot_minutes = STEPPED.knot_minutes(np.float32([[4.0, 6.0], [0.0, 0.0]]))
    rising = np.asarray(knot_minutes)[:, None]
    curves = read(STEPPED, rising, [30.0, 20.0], knot_minutes, 4)
    assert_allclose(curves[:, 0], [[0.0, 10.0, 20.0, 30.0], [0.0, 20 / 3, 40 / 3, 20.0]], rtol=1e-5)


@pytest.mark.parametrize("canvas", [PLAIN, STEPPED])
def test_a_canvas_is_made_again_from_its_config(canvas):
    again = Canvas.from_config(canvas.get_config())
    assert_array_equal(again.knots, canvas.knots)
    assert (again.num_fast_steps, again.tail_min) == (canvas.num_fast_steps, canvas.tail_min)
    assert again.num_knots == len(canvas.knots)
    config = keras.saving.serialize_keras_object(canvas)
    assert keras.saving.deserialize_keras_object(config).get_config() == canvas.get_config()
