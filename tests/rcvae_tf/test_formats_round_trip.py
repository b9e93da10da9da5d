"""A generated set, written in a format, comes back through `data_prep` with every curve intact."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.config import PrepConfig
from data_prep.dataset_card import read_card
from data_prep.pipeline import prepare
from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS
from rcvae_tf.dataset import open_dataset
from rcvae_tf.generation.formats import FORMATS
from tests.rcvae_tf.format_builders import POLICY, generated_set, whole, write_set

SOURCE_OF = {"bdf-csv": "bdf", "bdf-parquet": "bdf", "matr": "matr", "tfrecord": "tfrecord"}
# Of float32, in units of its last digit: the current of BDF goes through amperes, and the made
# grid of time is itself rounded.
LAST_DIGITS = {"current_c_rate": 4, "charge_capacity_ah": 1, "elapsed_time_s": 2}


def assert_same_curves(dataset, blocks):
    """Every charge is there once, under its cell, EOL and ECL, with the curves that it had."""
    labels, ids, curves = whole(blocks)
    wanted = {
        (i, *label): row for row, (i, label) in enumerate(zip(ids, labels.tolist(), strict=True))
    }
    found = []
    for split in (dataset.train, dataset.validation, dataset.test):
        keys = zip(split.cell_ids.tolist(), *split.labels.T.tolist(), strict=True)
        rows = [wanted[key] for key in keys]
        found += rows
        assert list(split.curves) == list(curves)
        for name, values in split.curves.items():
            tolerance = LAST_DIGITS.get(name, 0) * 2.0**-23
            assert_allclose(values, curves[name][rows], rtol=tolerance, atol=1e-9, err_msg=name)
    assert sorted(found) == list(range(len(labels)))


def come_back(path, folder, source, **settings):
    config = PrepConfig(
        source=source, input=str(path), output=str(folder / "back"), jobs=1, cycles=2000, **settings
    )
    card = prepare(config)
    return card, open_dataset(folder / "back")


@pytest.mark.parametrize("name", SOURCE_OF)
@pytest.mark.parametrize("temperature", [False, True])
@pytest.mark.parametrize("source", ["named", "auto"])
def test_every_curve_comes_back_as_it_was(tmp_path, name, temperature, source):
    facts, blocks = generated_set(temperature=temperature, ecl=(1, 2, 3, 4))
    path, _ = write_set(FORMATS[name], tmp_path, facts, blocks)
    card, dataset = come_back(path, tmp_path, SOURCE_OF[name] if source == "named" else source)
    assert_same_curves(dataset, blocks)
    assert card.source["name"] == SOURCE_OF[name]
    assert (card.cleaning["cycles_read"], card.cleaning["cycles_kept"]) == (12, 12)
    assert set(card.cells) == {"synthetic_eol500_1", "synthetic_eol500_2", "synthetic_eol800_1"}
    assert card.cells["synthetic_eol800_1"] == {
        "eol_cycles": 800,
        "eol_source": "file",
        "nominal_capacity_ah": 1.1,
        "max_voltage_v": 3.6,
        "charge_policy": POLICY,
        "samples": 4,
        "synthetic": True,
    }
    assert_array_equal(dataset.train.policy_steps[0], policy_numbers(POLICY))


@pytest.mark.parametrize("name", SOURCE_OF)
def test_cycles_that_were_not_asked_for_are_not_on_record(tmp_path, name):
    facts, blocks = generated_set(ecl=(50, 400, 1200), policy="", max_voltage_v=None)
    path, _ = write_set(FORMATS[name], tmp_path, facts, blocks)
    card, dataset = come_back(path, tmp_path, SOURCE_OF[name])
    assert_same_curves(dataset, blocks)
    assert card.cleaning["cycles_rejected"] == {}
    facts_of_cell = card.cells["synthetic_eol500_1"]
    assert (facts_of_cell["charge_policy"], facts_of_cell["max_voltage_v"]) == (None, None)


@pytest.mark.parametrize("name", SOURCE_OF)
def test_one_charge_of_every_cell_comes_back(tmp_path, name):
    facts, blocks = generated_set(ecl=(1,), cells=[(500, draw) for draw in range(1, 5)])
    path, _ = write_set(FORMATS[name], tmp_path, facts, blocks)
    _, dataset = come_back(path, tmp_path, SOURCE_OF[name])
    assert_same_curves(dataset, blocks)


@pytest.mark.parametrize("name", SOURCE_OF)
def test_charges_that_look_like_faults_of_a_record_are_kept(tmp_path, name):
    facts, blocks = generated_set(ecl=(1, 2, 3, 4), block=12)
    curves = blocks[0].curves
    for values in curves.values():
        values[1] = values[0]  # two mean curves a cycle apart
    curves["current_c_rate"][2, :3] = curves["current_c_rate"][2, -3:] = 0.0  # no charging sample
    # A counter that seems to start again, by less than a fall that is rejected.
    curves["charge_capacity_ah"][3, :3] = [0.0015, 0.0006, 0.0012]
    curves["voltage_v"][5, 100] += 0.2  # a spike
    for values in (curves["current_c_rate"], curves["charge_capacity_ah"]):
        values[6] *= 0.5  # half the usual capacity
    path, _ = write_set(FORMATS[name], tmp_path, facts, blocks)
    card, dataset = come_back(path, tmp_path, SOURCE_OF[name])
    assert card.cleaning["cycles_rejected"] == {}
    assert_same_curves(dataset, blocks)


def test_charges_against_physics_are_rejected_and_counted(tmp_path):
    facts, blocks = generated_set(ecl=(1, 2, 3, 4), block=12)
    blocks[0].curves["charge_capacity_ah"][2, 200:] -= 0.3
    path, _ = write_set(FORMATS["bdf-parquet"], tmp_path, facts, blocks)
    card, _ = come_back(path, tmp_path, "bdf")
    assert card.cleaning["cycles_rejected"] == {"capacity_falls": 1}


def test_a_generated_set_of_our_own_format_is_one_to_train_on(tmp_path):
    facts, blocks = generated_set(
        cells=[(500 + number, 1) for number in range(8)], ecl=(1, 2, 3), temperature=True
    )
    path, _ = write_set(FORMATS["tfrecord"], tmp_path, facts, blocks)
    dataset = open_dataset(path)
    assert_same_curves(dataset, blocks)
    card = dataset.card
    cells = {s: set(getattr(dataset, s).cell_ids.tolist()) for s in ("train", "validation", "test")}
    # 6 of 8 cells to training, of which one to validation, none in two splits.
    assert {split: len(names) for split, names in cells.items()} == {
        "train": 5,
        "validation": 1,
        "test": 2,
    }
    assert not cells["train"] & cells["test"] | cells["train"] & cells["validation"]
    assert (card.source["name"], card.source["synthetic"]) == ("generated", True)
    assert card.source["provenance"] == facts.provenance
    assert (card.preparation["split"], card.preparation["cycles"]) == ("cell", 3)
    cell = card.cells["synthetic_eol503_1"]
    assert (cell["charges_out_of_support"], cell["charges_projected"], cell["draw"]) == (1, 1, 1)
    for name, statistics in card.statistics.items():
        values = dataset.train.curves[name].astype(float)
        # The curves of a split are means of three equal planes, off by a last digit of float32.
        extremes = [statistics.minimum, statistics.maximum]
        assert_allclose(extremes, [values.min(), values.max()], rtol=2e-7)
        assert_allclose(statistics.mean_curve, values.mean(axis=0), rtol=2e-7, atol=1e-12)
        spread = np.sqrt(np.square(values - values.mean(axis=0)).mean())
        assert_allclose(statistics.spread, spread, rtol=1e-4)


def test_two_cells_are_split_by_charge(tmp_path):
    facts, blocks = generated_set(cells=((500, 1), (600, 1)), ecl=range(1, 6))
    path, _ = write_set(FORMATS["tfrecord"], tmp_path, facts, blocks)
    card = read_card(path)
    assert card.preparation["split"] == "sample"
    assert [card.num_samples(split) for split in ("train", "validation", "test")] == [6, 1, 3]
    assert_same_curves(open_dataset(path), blocks)


def test_shards_are_full_and_numbered_to_their_end(tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.synthetic.data_set.SAMPLES_PER_SHARD", 4)
    facts, blocks = generated_set(cells=((500, 1), (600, 1)), ecl=range(1, 9), grid=(4, 4))
    path, _ = write_set(FORMATS["tfrecord"], tmp_path, facts, blocks)
    entries = read_card(path).shards["train"]
    assert [(entry["name"], entry["samples"]) for entry in entries] == [
        ("train-00000-of-00003.tfrecord", 4),
        ("train-00001-of-00003.tfrecord", 4),
        ("train-00002-of-00003.tfrecord", 2),
    ]
    assert_same_curves(open_dataset(path), blocks)


def test_a_card_of_generated_cells_is_as_any_other(tmp_path):
    facts, blocks = generated_set()
    path, _ = write_set(FORMATS["tfrecord"], tmp_path, facts, blocks)
    text = (path / "dataset_card.json").read_text()
    card = read_card(path)
    card.write(tmp_path)
    again = json.loads((tmp_path / "dataset_card.json").read_text())
    assert json.loads(text) == again
    assert list(card.cells) == ["synthetic_eol500_1", "synthetic_eol500_2", "synthetic_eol800_1"]
    assert set(card.signals_present) == set(SIGNALS) - {"temperature_degc"}


def test_a_file_of_another_nominal_capacity_says_so(tmp_path):
    facts, blocks = generated_set(nominal_capacity_ah=2.5)
    for values in (block.curves["charge_capacity_ah"] for block in blocks):
        values *= 2.5 / 1.1
    path, _ = write_set(FORMATS["matr"], tmp_path, facts, blocks)
    card, dataset = come_back(path, tmp_path, "matr")
    assert {cell["nominal_capacity_ah"] for cell in card.cells.values()} == {2.5}
    assert_same_curves(dataset, blocks)


def test_a_matr_file_by_the_name_of_hdf5_comes_back_where_it_is_given_itself(tmp_path):
    facts, blocks = generated_set()
    path, _ = write_set(FORMATS["matr"], tmp_path, facts, blocks)
    _, dataset = come_back(path.rename(tmp_path / "set.h5"), tmp_path, "matr")
    assert_same_curves(dataset, blocks)
