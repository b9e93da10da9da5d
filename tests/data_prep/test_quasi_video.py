import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.quasi_video import pack, plane_signals, unpack

# Signal k at point p is 10 k + p; a frame of 2 rows and 3 columns.
CURVES = 10.0 * np.arange(5)[:, None] + np.arange(6)


def test_series_are_laid_row_by_row():
    video = pack(CURVES, height=2, width=3)
    assert video.shape == (3, 3, 2, 3)
    assert_array_equal(video[0, 0], [[0, 1, 2], [3, 4, 5]])  # voltage, red
    assert_array_equal(video[1, 0], [[10, 11, 12], [13, 14, 15]])  # current, green
    assert_array_equal(video[2, 0], [[20, 21, 22], [23, 24, 25]])  # temperature, blue


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_capacity_and_time_are_grey_frames(channel):
    video = pack(CURVES, height=2, width=3)
    assert_array_equal(video[channel, 1], [[30, 31, 32], [33, 34, 35]])
    assert_array_equal(video[channel, 2], [[40, 41, 42], [43, 44, 45]])


def test_height_and_width_are_not_exchanged():
    assert_array_equal(pack(CURVES, height=3, width=2)[0, 0], [[0, 1], [2, 3], [4, 5]])


@pytest.mark.parametrize("batch", [(), (2,), (2, 4)])
def test_unpack_undoes_pack(batch):
    curves = np.random.default_rng(0).normal(size=(*batch, 5, 6)).astype(np.float32)
    video = pack(curves, 2, 3)
    assert video.shape == (*batch, 3, 3, 2, 3)
    assert video.dtype == np.float32
    # A mean of three equal float32 may differ in the last bit.
    np.testing.assert_allclose(unpack(video), curves, rtol=1e-6)


def test_depth_2_holds_the_papers_four_signals():
    assert_array_equal(unpack(pack(CURVES, 2, 3)[:, :2]), CURVES[:4])


def test_a_grey_frame_gives_the_mean_of_its_channels():
    video = pack(CURVES, 2, 3)
    video[0, 1, 0, 0] += 3.0  # One of three channels: the mean moves by 1.
    assert unpack(video)[3, 0] == 31.0


def test_signals_of_the_planes():
    assert plane_signals(2) == (
        ("voltage_v", "charge_capacity_ah"),
        ("current_c_rate", "charge_capacity_ah"),
        ("temperature_degc", "charge_capacity_ah"),
    )
    assert [planes[2] for planes in plane_signals(3)] == ["elapsed_time_s"] * 3
