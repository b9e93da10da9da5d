import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import DatasetError
from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.dataset import (
    array_samples,
    merge,
    model_inputs,
    open_dataset,
    shard_samples,
    training_batches,
    validation_batches,
)
from tests.rcvae_tf.builders import EOL_OF_CELL, WITHOUT_TEMPERATURE, made_curves


@pytest.fixture
def vocabulary(dataset):
    return Vocabulary(dataset.train.conditions, 0.9)


def batches_of(data, vocabulary, **changes):
    settings = {"batch_size": 5, "neighbour_share": 0.0, "seed": 3, **changes}
    samples = array_samples(data, vocabulary)
    batches = training_batches(samples, len(data), vocabulary, **settings)
    return list(batches.as_numpy_iterator())


def test_every_sample_is_in_one_split_alone(dataset):
    splits = (dataset.train, dataset.validation, dataset.test)
    assert [len(split) for split in splits] == [15, 3, 6]
    labels = np.concatenate([split.labels for split in splits])
    everything = {(eol, ecl) for eol in EOL_OF_CELL.values() for ecl in range(1, 7)}
    assert {tuple(label) for label in labels.tolist()} == everything


def test_samples_come_in_physical_units_with_their_labels(dataset):
    test = dataset.test
    for row, (eol, ecl) in enumerate(test.labels):
        assert EOL_OF_CELL[test.cell_ids[row]] == eol
        assert_array_equal(test.quasi_video[row], pack(made_curves(eol, ecl), 4, 4))
        for signal, curve in zip(SIGNALS, made_curves(eol, ecl), strict=True):
            assert_allclose(test.curves[signal][row], curve, rtol=1e-6)


def test_conditions_are_the_labels(dataset):
    (eol, ecl), condition = dataset.test.labels[0], dataset.test.conditions[0]
    assert condition == Condition(eol, ecl)


def test_curves_of_absent_signals_are_left_out(dataset_without_temperature):
    assert tuple(dataset_without_temperature.train.curves) == WITHOUT_TEMPERATURE


def test_merge_puts_the_second_behind_the_first(dataset):
    both = merge(dataset.train, dataset.validation)
    assert_array_equal(dataset.known(merged=True).labels, both.labels)
    assert dataset.known(merged=False) is dataset.train
    assert len(both) == 18
    assert_array_equal(both.labels[:15], dataset.train.labels)
    assert_array_equal(both.quasi_video[15:], dataset.validation.quasi_video)
    assert both.cell_ids.tolist()[15:] == dataset.validation.cell_ids.tolist()
    assert both.signals_present == SIGNALS


def test_inputs_of_an_unknown_label_take_the_nearest_index_and_their_own_numbers(dataset):
    known = Vocabulary([Condition(400, 1), Condition(900, 1)], 0.9)
    inputs = model_inputs(dataset.test, known)
    assert_array_equal(inputs["condition_index"], dataset.test.labels[:, 0] > 650)
    assert_array_equal(inputs["condition"], dataset.test.labels)
    assert inputs["condition_index"].dtype == np.int32
    assert inputs["x"] is dataset.test.quasi_video


def test_validation_batches_keep_the_order_and_the_smaller_last_batch(dataset, vocabulary):
    batches = list(validation_batches(dataset.test, vocabulary, 4).as_numpy_iterator())
    assert [len(batch["x"]) for batch in batches] == [4, 2]
    joined = np.concatenate([batch["condition"] for batch in batches])
    assert_array_equal(joined, dataset.test.labels)


@pytest.mark.parametrize("splits", [("train",), ("train", "validation")])
def test_samples_from_the_shards_are_those_of_the_arrays(dataset, splits):
    data = dataset.train if len(splits) == 1 else merge(dataset.train, dataset.validation)
    known = Vocabulary(data.conditions, 0.9)
    from_arrays = list(array_samples(data, known).as_numpy_iterator())
    from_shards = shard_samples(dataset, splits, known)
    # Twice: the second pass comes from memory.
    for _ in range(2):
        streamed = list(from_shards.as_numpy_iterator())
        assert len(streamed) == len(from_arrays)
        for one, other in zip(streamed, from_arrays, strict=True):
            assert set(one) == set(other)
            for name in one:
                assert one[name].dtype == other[name].dtype, name
                assert_array_equal(one[name], other[name])


def test_a_label_that_is_not_known_has_no_index_in_the_stream(dataset):
    known = Vocabulary([Condition(400, 1)], 0.9)
    indices = {int(s["condition_index"]) for s in shard_samples(dataset, ["train"], known)}
    assert indices == {0, -1}


def test_training_batches_have_one_size(dataset, vocabulary):
    batches = batches_of(dataset.train, vocabulary, batch_size=4)
    assert [len(batch["x"]) for batch in batches] == [4, 4, 4]


def test_a_batch_is_at_most_the_training_split(dataset, vocabulary):
    (batch,) = batches_of(dataset.train, vocabulary, batch_size=1000)
    assert len(batch["x"]) == 15


def test_an_epoch_shows_every_sample_once_in_a_new_order(dataset, vocabulary):
    samples = array_samples(dataset.train, vocabulary)
    batches = training_batches(samples, 15, vocabulary, 5, 0.0, seed=3)
    first, second = (
        np.concatenate([batch["condition_index"] for batch in batches.as_numpy_iterator()])
        for _ in range(2)
    )
    assert sorted(first) == sorted(second) == list(range(15))
    assert first.tolist() != second.tolist()


def test_same_seed_same_order(dataset, vocabulary):
    first = batches_of(dataset.train, vocabulary, neighbour_share=0.5)
    second = batches_of(dataset.train, vocabulary, neighbour_share=0.5)
    for one, other in zip(first, second, strict=True):
        assert_array_equal(one["condition_index"], other["condition_index"])
        assert_array_equal(one["x"], other["x"])


def test_without_replacement_every_sample_bears_its_own_label(dataset, vocabulary):
    for batch in batches_of(dataset.train, vocabulary):
        assert_array_equal(vocabulary.labels[batch["condition_index"]], batch["condition"])


def test_replaced_labels_are_neighbouring_ones_and_the_numbers_stay(dataset, vocabulary):
    neighbours = vocabulary.neighbours(4)
    for batch in batches_of(dataset.train, vocabulary, neighbour_share=1.0):
        own, _ = vocabulary.nearest(batch["condition"])
        for index, replaced in zip(own, batch["condition_index"], strict=True):
            assert replaced != index
            assert replaced in neighbours[index]


def test_a_single_condition_trains_without_neighbours(dataset):
    known = Vocabulary([Condition(400, 1)], 0.9)
    for batch in batches_of(dataset.train, known, neighbour_share=1.0):
        assert_array_equal(batch["condition_index"], np.zeros(5))


def test_a_folder_without_a_data_set_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere: holds no data set .*python -m data_prep"):
        open_dataset(tmp_path / "nowhere")


def test_a_missing_shard_is_named_before_anything_is_read(dataset_copy):
    (shard,) = dataset_copy.directory.glob("test-*.tfrecord")
    shard.unlink()
    with pytest.raises(DatasetError, match=rf"{shard.name}: the shard is missing"):
        open_dataset(dataset_copy.directory)
