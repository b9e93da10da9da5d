import dataclasses
import json
import math

import pytest

from data_prep.errors import SettingsError
from rcvae_tf.config import ModelConfig, TrainConfig, detachable_layers
from rcvae_tf.presets import NEW_CELLS, read_stored, resolve

BOUNDED = [
    (settings_class, field.name, field.metadata["minimum"], -1)
    for settings_class in (ModelConfig, TrainConfig)
    for field in dataclasses.fields(settings_class)
    if field.metadata["minimum"] is not None
] + [
    (settings_class, field.name, field.metadata["maximum"], 1)
    for settings_class in (ModelConfig, TrainConfig)
    for field in dataclasses.fields(settings_class)
    if field.metadata["maximum"] is not None
]


def test_preset_paper_is_the_model_of_the_paper():
    model = resolve("paper").model
    given = {
        "decoder": "quasi_video",
        "condition": "eol,ecl",
        "num_hidden_layers": 16,
        "embedding_dim": 473,
        "block": "plain",
        "continuous_condition": False,
        "scaling": "min_max",
        "quasi_video_depth": 2,
        "mse_reduction": "mean",
        "kl_weight": 1.0,
        "mean_mode_weight": 0.0,
        "validation_mode": "reconstruct",
    }
    assert {name: getattr(model, name) for name in given} == given


def test_preset_paper_trains_as_the_paper_does():
    training = resolve("paper").training
    given = {
        "epochs": 1000,
        "patience": 100,
        "keep": "best",
        "schedule": "constant",
        "weight_decay": 0.0,
        "clip_norm": 0.0,
        "average_decay": 0.0,
        "kl_warmup_epochs": 0,
        "neighbour_share": 0.0,
        "merge_validation": True,
    }
    assert {name: getattr(training, name) for name in given} == given


def test_preset_default_holds_validation_out():
    assert resolve("default").training.merge_validation is False


def test_preset_default_draws_on_the_canvas_and_is_not_told_the_policy():
    model = resolve("default").model
    assert (model.decoder, model.condition, model.with_policy) == ("canvas", "eol,ecl", False)
    assert resolve("default", None, {"condition": "eol,ecl,policy"}).model.with_policy is True


def changed(config, other):
    """The settings in which two configurations differ."""
    parts = zip(config.to_dict().items(), other.to_dict().values(), strict=True)
    return {
        part: {name: mine[name] for name in mine if mine[name] != theirs[name]}
        for (part, mine), theirs in parts
        if part != "preset"
    }


def test_where_cells_are_held_out_preset_default_learns_nothing_of_a_cell_by_its_name():
    config = resolve("default", split="cell")
    assert changed(config, resolve("default")) == NEW_CELLS
    assert config.model.known_lives is False
    assert config.model.blind_tail is True


def test_preset_paper_is_the_same_whatever_is_held_out():
    assert resolve("paper", split="cell") == resolve("paper", split="sample")


@pytest.mark.parametrize(
    ("split", "num_samples", "expected"),
    [
        ("sample", 0, 200),
        ("sample", 1200, 200),
        ("sample", 1800, 134),  # 133.3, up
        ("sample", 2400, 100),
        ("sample", 9000, 50),  # never less than a quarter
        ("cell", 2400, 15),
        ("cell", 9000, 4),
    ],
)
def test_of_many_samples_preset_default_makes_fewer_epochs(split, num_samples, expected):
    assert resolve("default", split=split, num_samples=num_samples).training.epochs == expected
    assert resolve("paper", split=split, num_samples=num_samples) == resolve("paper")
    given = resolve("default", None, {"epochs": 7}, split, num_samples)
    assert given.training.epochs == 7


def test_stored_settings_and_flags_win_over_those_of_the_split():
    stored = {"model": {"known_lives": True, "num_knots": 77}}
    config = resolve(None, stored, {"num_knots": 78, "epochs": 5}, split="cell")
    assert (config.model.known_lives, config.model.num_knots) == (True, 78)
    assert config.training.epochs == 5
    assert config.model.blind_tail is True


def test_a_stored_run_keeps_its_settings_whatever_split_it_is_read_for():
    config = resolve("default", None, {"hidden_dim": 16}, split="cell")
    assert resolve(None, config.to_dict()) == config


def test_the_canvas_needs_the_elapsed_time():
    expected = r"needs `quasi_video_depth` 3\. Received: quasi_video_depth=2\."
    with pytest.raises(SettingsError, match=expected):
        resolve("default", None, {"quasi_video_depth": 2})
    assert resolve("default", None, {"quasi_video_depth": 2, "decoder": "quasi_video"})


def test_the_policy_needs_the_canvas():
    expected = r"with the policy needs decoder canvas .* Received: decoder='quasi_video'\."
    with pytest.raises(SettingsError, match=expected):
        resolve("paper", None, {"condition": "eol,ecl,policy"})


def test_without_a_name_the_preset_is_default():
    assert resolve(None) == resolve("default")


def test_stored_changes_the_preset_and_flags_change_stored():
    stored = {"model": {"hidden_dim": 7, "latent_dim": 5}, "training": {"patience": 3}}
    config = resolve("paper", stored, {"latent_dim": 6})
    assert (config.model.hidden_dim, config.model.latent_dim) == (7, 6)
    assert (config.training.patience, config.training.epochs) == (3, 1000)


def test_stored_names_its_preset():
    assert resolve(None, {"preset": "paper"}) == resolve("paper")


def test_a_named_preset_wins_over_the_stored_name():
    config = resolve("paper", {"preset": "default"})
    assert config == resolve("paper")
    assert config.preset == "paper"


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_to_dict_survives_json_and_resolve(preset):
    config = resolve(preset, None, {"learning_rate": 0.003, "latent_dim": 3})
    assert resolve(None, json.loads(json.dumps(config.to_dict()))) == config


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"unknown preset 'fast'\. Presets: default, paper\."):
        resolve("fast")


def test_an_unknown_stored_setting_is_refused():
    with pytest.raises(SettingsError, match=r"unknown setting `width` for ModelConfig\. Known"):
        resolve(None, {"model": {"width": 3}})


def test_a_stored_part_must_be_an_object():
    with pytest.raises(SettingsError, match=r"`training` of the configuration .* object: \[1\]"):
        resolve(None, {"training": [1]})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("latent_dim", 0, r"`latent_dim` must be an integer from 1 to 4096\. .*: latent_dim=0\."),
        ("latent_dim", 2.0, r"must be an integer .* Received: latent_dim=2\.0\."),
        ("epochs", "10", r"`epochs` must be an integer of 1 or more\. Received: epochs='10'\."),
        ("learning_rate", 2.0, r"must be a number from 1e-08 to 1\. .*: learning_rate=2\.0\."),
        ("learning_rate", math.nan, r"Received: learning_rate=nan\."),
        ("kl_weight", math.inf, r"`kl_weight` must be a number of 0 or more\. .*kl_weight=inf\."),
        ("block", "dense", r"`block` must be one of plain, residual\. Received: block='dense'\."),
        ("jit_compile", 1, r"`jit_compile` must be true or false\. Received: jit_compile=1\."),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_was_expected(name, value, message):
    with pytest.raises(SettingsError, match=message):
        resolve(None, None, {name: value})


@pytest.mark.parametrize(("settings_class", "name", "bound", "outward"), BOUNDED)
def test_every_bound_is_held(settings_class, name, bound, outward):
    # The depth of the quasi-video is free with the paper's decoder alone.
    others = {"decoder": "quasi_video"} if settings_class is ModelConfig else {}
    default = getattr(settings_class(), name)
    inside = type(default)(bound)
    outside = type(default)(bound + outward)
    assert getattr(settings_class(**others, **{name: inside}), name) == inside
    with pytest.raises(SettingsError, match=rf"`{name}` must be .* Received: {name}={outside!r}"):
        settings_class(**others, **{name: outside})


def test_read_stored_gives_what_was_written(tmp_path):
    path = tmp_path / "best.json"
    path.write_text('{"model": {"latent_dim": 3}}', encoding="utf-8")
    assert read_stored(path) == {"model": {"latent_dim": 3}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"best\.json: not a readable configuration: .*No such file"),
        (b"{latent: 3}", r"best\.json: not a readable configuration: Expecting property name"),
        (b"\xff\xfe", r"best\.json: not a readable configuration: .*utf-8"),
        (b"[1, 2]", r"best\.json: expected an object with `model` and `training`\."),
    ],
)
def test_read_stored_refuses_what_is_no_configuration(tmp_path, content, message):
    path = tmp_path / "best.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        read_stored(path)


def test_layers_are_detached_from_the_second_of_the_encoder_to_the_last_but_one_of_the_decoder():
    assert detachable_layers(3) == ["decoder_1", "decoder_2", "encoder_2", "encoder_3"]
    assert detachable_layers(2) == ["decoder_1", "encoder_2"]
    assert detachable_layers(1) == []


@pytest.mark.parametrize(
    ("detach", "encoder", "decoder"),
    [
        ("none", None, None),
        ("embedding", None, None),
        ("latent", None, None),
        ("encoder_12", 12, None),
        ("decoder_1", None, 1),
    ],
)
def test_a_detached_layer_is_of_one_network(detach, encoder, decoder):
    config = resolve("paper", None, {"detach": detach}).model
    assert (config.detached_layer("encoder"), config.detached_layer("decoder")) == (
        encoder,
        decoder,
    )


@pytest.mark.parametrize(
    "detach", ["encoder_1", "encoder_4", "decoder_0", "decoder_3", "encoder", "Encoder_2", "labels"]
)
def test_what_cannot_be_detached_is_refused_with_what_can(detach):
    expected = (
        r"`detach` must be encoder_2 to encoder_3, decoder_1 to decoder_2, none, embedding or "
        rf"latent where num_hidden_layers is 3\. Received: detach='{detach}'\."
    )
    with pytest.raises(SettingsError, match=expected):
        ModelConfig(detach=detach)


def test_a_single_layer_cannot_be_detached():
    with pytest.raises(SettingsError, match=r"`detach` must be none, embedding or latent where"):
        ModelConfig(num_hidden_layers=1, detach="encoder_1")


def test_settings_written_before_there_was_a_detach_are_of_the_whole_model():
    stored = resolve("paper").to_dict()
    del stored["model"]["detach"], stored["training"]["shuffle_labels"]
    assert resolve(None, stored) == resolve("paper")
    assert resolve(None, stored).model.detach == "none"
