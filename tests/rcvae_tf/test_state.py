import json
import math

import pytest

from data_prep.errors import SettingsError
from rcvae_tf.training.state import TrainState, read_state


def test_the_counter_restarts_at_every_lower_value():
    state = TrainState()
    best = [state.observe(value) for value in (0.5, 0.6, 0.4, 0.4, 0.7)]
    assert best == [True, False, True, False, False]
    assert state == TrainState(epochs_done=5, best_val_mae=0.4, best_epoch=3, counter=2)


def test_a_nan_counts_as_an_epoch_and_is_never_the_best():
    state = TrainState()
    assert state.observe(math.nan) is False
    assert state == TrainState(epochs_done=1, counter=1)
    assert state.observe(0.5) is True


def test_a_resumed_state_keeps_the_best_value(tmp_path):
    path = tmp_path / "train_state.json"
    TrainState(epochs_done=7, best_val_mae=0.25, best_epoch=4, counter=3).write(path)
    state = read_state(path)
    assert state == TrainState(epochs_done=7, best_val_mae=0.25, best_epoch=4, counter=3)
    assert state.observe(0.3) is False
    assert state.counter == 4


def test_a_state_without_a_best_value_is_valid_json(tmp_path):
    path = tmp_path / "train_state.json"
    TrainState(epochs_done=2, counter=2).write(path)
    assert json.loads(path.read_text()) == {"epochs_done": 2, "best_epoch": 0, "counter": 2}
    assert read_state(path) == TrainState(epochs_done=2, counter=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Expecting property name"), ('{"epoch": 3}', "unexpected keyword argument 'epoch'")],
)
def test_a_damaged_state_is_refused(tmp_path, content, message):
    path = tmp_path / "train_state.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"train_state\.json: not readable: .*{message}"):
        read_state(path)
