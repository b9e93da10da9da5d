import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SettingsError
from rcvae_tf.test_samples import TestSamples, load_test_samples, read_npz, write_npz


@pytest.fixture
def samples():
    """Three samples of one signal, the last two pictured."""
    return TestSamples(
        cell_ids=np.array(["b1c0", "b1c0", "b3c12"]),
        labels=np.array([[500, 1], [500, 7], [1200, 3]]),
        mae={"reconstruct": {"voltage_v": np.array([0.5, 0.25, 0.0])}, "mean": {}},
        mse={"reconstruct": {"voltage_v": np.array([0.25, 0.125, 0.0])}, "mean": {}},
        pictured=np.array([1, 2]),
        measured={"voltage_v": np.array([[3.0, 3.5], [3.25, 3.75]])},
        generated={"mean": {"voltage_v": np.array([[3.0, 3.25], [3.5, 3.5]])}},
        grid=(1, 2),
    )


def test_samples_are_read_as_they_were_written(samples, tmp_path):
    path = tmp_path / "test_samples.npz"
    samples.save(path)
    stored = load_test_samples(path)
    assert stored.cell_ids.tolist() == ["b1c0", "b1c0", "b3c12"]
    assert_array_equal(stored.labels, samples.labels)
    assert_array_equal(stored.pictured, [1, 2])
    assert stored.grid == (1, 2)
    # A mode without a signal leaves nothing in the file.
    for kind in ("mae", "mse"):
        ((mode, errors),) = getattr(stored, kind).items()
        assert mode == "reconstruct"
        assert_array_equal(errors["voltage_v"], getattr(samples, kind)[mode]["voltage_v"])
    assert_array_equal(stored.measured["voltage_v"], samples.measured["voltage_v"])
    assert_array_equal(stored.generated["mean"]["voltage_v"], [[3.0, 3.25], [3.5, 3.5]])
    assert [file.name for file in tmp_path.iterdir()] == ["test_samples.npz"]


def test_a_file_without_an_array_names_it(samples, tmp_path):
    path = tmp_path / "test_samples.npz"
    samples.save(path)
    write_npz(path, {k: v for k, v in read_npz(path, "").items() if k != "pictured"})
    with pytest.raises(SettingsError, match=r"test_samples\.npz: lacks 'pictured'\. Make it with"):
        load_test_samples(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(SettingsError, match=r"is missing\. Make it with `python -m rcvae_tf\.eval"):
        load_test_samples(tmp_path / "test_samples.npz")


def cut_off(content):
    return content[: len(content) // 2]


def with_wrong_bytes(content):
    """Damages the compressed values of the first array."""
    start = content.index(b"cell_ids.npy") + 20
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


@pytest.mark.parametrize(
    "damage", [cut_off, with_wrong_bytes, lambda content: b"", lambda c: b"{}"]
)
def test_a_damaged_file_is_one_line(samples, tmp_path, damage):
    path = tmp_path / "test_samples.npz"
    samples.save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(SettingsError, match=r"test_samples\.npz: not readable \(") as raised:
        load_test_samples(path)
    assert str(raised.value).endswith("Make it with `python -m rcvae_tf.evaluate`.")
    assert "\n" not in str(raised.value)


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(SettingsError, match=r"one\.npy: not readable"):
        load_test_samples(tmp_path / "one.npy")


def test_arrays_of_decimals_are_halved_and_single_numbers_stay(samples, tmp_path):
    path = tmp_path / "mixed.npz"
    write_npz(path, {"weight": np.asarray(0.9), "curve": np.array([0.9])})
    stored = read_npz(path, "")
    assert float(stored["weight"]) == 0.9
    assert stored["curve"].dtype == np.float32


def test_what_cannot_be_written_leaves_the_old_file(samples, tmp_path):
    path = tmp_path / "test_samples.npz"
    samples.save(path)
    before = path.read_bytes()
    unknown = dataclasses.replace(samples, labels=np.array([["?", "?"]] * 3))
    with pytest.raises(ValueError, match="invalid literal"):
        unknown.save(path)
    assert path.read_bytes() == before
