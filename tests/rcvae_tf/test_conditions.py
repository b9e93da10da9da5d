import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import ConditionError
from rcvae_tf.conditions import Condition, Vocabulary, condition_distance


def vocabulary(*labels, weight=0.9):
    return Vocabulary([Condition(*label) for label in labels], weight)


def test_conditions_are_numbered_in_sorted_order():
    known = vocabulary((900, 1), (500, 2), (500, 1), (500, 2))
    assert len(known) == 3
    assert known.index(Condition(500, 1)) == 0
    assert known.index(Condition(500, 2)) == 1
    assert known.index(Condition(900, 1)) == 2


def test_a_sequence_of_conditions_becomes_a_sequence_of_numbers():
    known = vocabulary((500, 1), (500, 2), (900, 1))
    asked = [Condition(900, 1), Condition(500, 1), Condition(900, 1)]
    assert_array_equal(known.indices(asked), [2, 0, 2])


def test_labels_are_eol_and_ecl_by_number():
    assert_array_equal(vocabulary((900, 1), (500, 2)).labels, [[500, 2], [900, 1]])


def test_an_unknown_condition_has_no_number():
    known = vocabulary((500, 1), (900, 1))
    with pytest.raises(ConditionError, match=r"condition 500_3 is not among the 2 of the training"):
        known.index(Condition(500, 3))


def test_an_empty_vocabulary_is_refused():
    with pytest.raises(ConditionError, match=r"at least one condition\. Received: none\."):
        Vocabulary([], 0.9)


@pytest.mark.parametrize(
    ("weight", "expected"),
    # |734 - 740| = 6 cycles of life, |10 - 30| = 20 cycles of age.
    [(0.9, 0.9 * 6 + 0.1 * 20), (0.5, 13.0), (1.0, 6.0), (0.0, 20.0)],
)
def test_distance_weighs_life_against_age(weight, expected):
    assert_allclose(condition_distance(734, 10, 740, 30, weight), expected, rtol=1e-12)
    assert_allclose(condition_distance(740, 30, 734, 10, weight), expected, rtol=1e-12)


def test_distance_broadcasts():
    distance = condition_distance(np.array([500, 510]), np.array([1, 4]), 500, 1, 0.9)
    assert_allclose(distance, [0.0, 9.3], rtol=1e-12)


def test_nearest_of_a_known_label_is_itself():
    known = vocabulary((500, 1), (500, 2), (900, 1))
    index, distance = known.nearest(known.labels)
    assert_array_equal(index, [0, 1, 2])
    assert_array_equal(distance, [0.0, 0.0, 0.0])


def test_a_label_outside_the_vocabulary_takes_the_nearest_one():
    known = vocabulary((500, 1), (500, 40), (540, 1))
    # to 500_1: 0.9 * 20 + 0.1 * 30 = 21; to 500_40: 18 + 0.9 = 18.9; to 540_1: 18 + 3 = 21
    index, distance = known.nearest(np.array([[520, 31]]))
    assert_array_equal(index, [1])
    assert_allclose(distance, [18.9], rtol=1e-12)


def test_a_tie_goes_to_the_smaller_number():
    index, distance = vocabulary((10, 1), (12, 1), weight=0.5).nearest(np.array([[11, 1]]))
    assert (index[0], distance[0]) == (0, 0.5)


def test_a_tie_that_rounding_hides_goes_to_the_smaller_number():
    # Both are 0.9 away, but (1 - 0.9) * 9 is 0.8999999999999998 in floating point.
    index, _ = vocabulary((99, 1), (100, 10)).nearest(np.array([[100, 1]]))
    assert_array_equal(index, [0])


@pytest.mark.parametrize("tenths", [9, 5])
def test_nearest_agrees_with_the_search_through_all_labels(tenths):
    rng = np.random.default_rng(0)
    known = vocabulary(
        *{(int(eol), int(ecl)) for eol, ecl in rng.integers((300, 1), (2300, 101), (200, 2))},
        weight=tenths / 10,
    )
    labels = rng.integers((1, 1), (2600, 131), (100_000, 2))
    index, _ = known.nearest(labels)
    difference = np.abs(labels[:, None].astype(np.int32) - known.labels.astype(np.int32))
    # In tenths of a cycle distances are whole numbers: ties are exact, and argmin takes the first.
    exact = difference @ np.array([tenths, 10 - tenths], np.int32)
    assert_array_equal(index, exact.argmin(axis=1))


def test_neighbours_are_the_nearest_others():
    known = vocabulary((500, 1), (500, 2), (500, 4), (900, 1))
    assert_array_equal(known.neighbours(2)[:3], [[1, 2], [0, 2], [1, 0]])
    assert_array_equal(known.neighbours(9).shape, (4, 3))


def test_a_single_condition_has_no_neighbours():
    assert vocabulary((500, 1)).neighbours(4).shape == (1, 0)


def test_support_is_the_range_of_life_and_age_bounds_included():
    known = vocabulary((500, 1), (900, 40))
    labels = np.array([[500, 40], [900, 1], [499, 5], [901, 5], [700, 41]])
    assert_array_equal(known.in_support(labels), [True, True, False, False, False])


def test_outside_is_told_by_axis_in_cycles_with_its_side():
    known = vocabulary((500, 10), (900, 40))
    assert_array_equal(known.label_range, [[500, 10], [900, 40]])
    labels = np.array([[500, 40], [450, 25], [901, 41], [700, 1]])
    assert_array_equal(known.outside(labels), [[0, 0], [-50, 0], [1, 1], [0, -9]])
