"""A search directory belongs to one data set and one plan."""

import dataclasses
import json

import pytest

from data_prep.errors import SettingsError
from tests.tuning.builders import SMALL_SPACE, small_plan
from tuning import plan as plan_module
from tuning.plan import differences
from tuning.search_directory import SearchDirectory

SHARDS = {"train": [{"name": "train-00000-of-00001.tfrecord", "samples": 15, "sha256": "aa"}]}


class Card:
    """What a plan asks of a dataset card."""

    source = {"name": "made"}
    shards = SHARDS


def facts(plan=None, shards=SHARDS, directory="/data/made"):
    card = Card()
    card.shards = shards
    return (plan or small_plan()).facts(card, directory)


@pytest.fixture
def begun(tmp_path):
    directory = SearchDirectory(tmp_path / "search")
    directory.begin(facts(), overwrite=False)
    return directory


def test_the_facts_say_data_settings_ranges_seed_and_versions(begun):
    stored = json.loads(begun.facts.read_text(encoding="utf-8"))
    assert stored["format_version"] == 1
    assert stored["data"] == {"directory": "/data/made", "source": "made", "shards": SHARDS}
    assert stored["base"] == small_plan().base.to_dict()
    assert stored["space"][0] == dataclasses.asdict(SMALL_SPACE[0])
    assert (stored["trial_epochs"], stored["trial_patience"]) == (2, 20)
    assert (stored["search_seed"], stored["initial_trials"]) == (1, 8)
    assert stored["versions"]["keras-tuner"] == plan_module.version("keras-tuner")


def test_a_search_of_the_same_plan_goes_on_also_where_the_data_have_moved(begun):
    begun.trials.write_text("kept", encoding="utf-8")
    begun.begin(facts(directory="/elsewhere"), overwrite=False)
    assert begun.trials.read_text(encoding="utf-8") == "kept"


OTHERS = [
    (facts(small_plan(seed=2)), "search_seed 1, now 2"),
    (facts(small_plan(trial_epochs=3)), "trial_epochs 2, now 3"),
    (facts(small_plan(initial_trials=5)), "initial_trials 8, now 5"),
    (facts(small_plan(latent_dim=3)), "latent_dim 2, now 3"),
    (facts(small_plan(epochs=71)), "epochs 70, now 71"),
    (facts(shards={"train": []}), "another data set (its own: /data/made)"),
    (
        facts(small_plan(SMALL_SPACE[1:])),
        "range of hidden_dim 4 to 8 in steps of 2 (log), now none",
    ),
    (
        facts(small_plan((SMALL_SPACE[0], dataclasses.replace(SMALL_SPACE[1], low=1e-4)))),
        "range of learning_rate 0.001 to 0.01 (log), now 0.0001 to 0.01 (log)",
    ),
]


@pytest.mark.parametrize(("wanted", "difference"), OTHERS, ids=[text for _, text in OTHERS])
def test_a_search_of_another_plan_is_refused_in_one_line(begun, wanted, difference):
    with pytest.raises(SettingsError) as error:
        begun.begin(wanted, overwrite=False)
    assert f"holds another search: {difference}. Go on as it was begun" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_search_of_another_keras_tuner_is_refused(begun, monkeypatch):
    monkeypatch.setattr(plan_module, "version", lambda name: "0.9.9")
    now = plan_module.version("keras-tuner")
    stored = begun.read_facts()["versions"]["keras-tuner"]
    with pytest.raises(SettingsError, match=f"version of keras-tuner {stored}, now {now}"):
        begun.begin(facts(), overwrite=False)


def test_other_packages_may_change():
    newer = facts()
    newer["versions"] = {**newer["versions"], "numpy": "99"}
    assert differences(facts(), newer) == ""


def test_many_differences_are_not_all_told():
    other = facts(small_plan(seed=9, trial_epochs=9, initial_trials=9, latent_dim=9, epochs=9))
    text = differences(facts(), other)
    assert text == "latent_dim 2, now 9; epochs 70, now 9; trial_epochs 2, now 9; and 2 more"


def test_overwrite_removes_a_search_and_leaves_other_files(begun):
    begun.oracle.mkdir()
    begun.tensorboard.mkdir()
    begun.figures.mkdir()
    for path in (begun.trials, begun.best, begun.objective_figure, begun.path / "notes.txt"):
        path.write_text("old", encoding="utf-8")
    begun.begin(facts(small_plan(seed=2)), overwrite=True)
    left = sorted(path.name for path in begun.path.iterdir())
    assert left == ["figures", "notes.txt", "search.json"]
    assert list(begun.figures.iterdir()) == []
    assert begun.read_facts()["search_seed"] == 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_never_touched(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="is not empty and holds no search"):
        SearchDirectory(tmp_path).begin(facts(), overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_search_that_was_killed_while_it_wrote_its_facts_begins(tmp_path):
    (tmp_path / ".search.json.part").write_text('{"format', encoding="utf-8")
    SearchDirectory(tmp_path).begin(facts(), overwrite=False)
    assert SearchDirectory(tmp_path).read_facts() == facts()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "search"
    path.write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="is a file, expected a folder to make"):
        SearchDirectory(path).begin(facts(), overwrite=False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"format_version": 1', "not readable"),
        ("[]", "expected an object"),
        ('{"format_version": 7}', "format version 7, expected 1"),
        ('{"format_version": 1}', "damaged: KeyError"),
        ('{"format_version": 1, "data": 3}', "damaged: TypeError"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_damaged_facts_are_one_line_and_nothing_is_removed(begun, text, fault, overwrite):
    begun.facts.write_text(text, encoding="utf-8")
    begun.trials.write_text("kept", encoding="utf-8")
    with pytest.raises(SettingsError, match=fault) as error:
        begun.begin(facts(), overwrite)
    assert "Choose another --output, or remove the folder." in str(error.value)
    assert begun.trials.is_file()
