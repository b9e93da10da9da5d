"""Versions that come and go while the server runs."""

import asyncio
import logging
import shutil
import time

import numpy as np
import pytest

from data_prep.errors import SettingsError
from rcvae_tf.serving.batching import Batcher
from rcvae_tf.serving.errors import NotFound
from rcvae_tf.serving.versions import Versions


def versions_of(folder, most=1):
    return Versions(folder, most, lambda model: Batcher(model.call, 8, 8))


def states(versions):
    told = versions.status(versions.name, None)["model_version_status"]
    return {state["version"]: state["state"] for state in told}


def test_the_newest_version_takes_over_and_the_older_one_goes(model_folder, caplog):
    caplog.set_level(logging.INFO)
    versions = versions_of(model_folder)
    versions.load_first()
    shutil.copytree(model_folder / "1", model_folder / "3")
    versions.look()
    assert versions.current().version == 3
    assert states(versions) == {"3": "AVAILABLE"}
    with pytest.raises(NotFound, match=r"Specific\(rcvae, 1\). Versions in service: 3"):
        versions.get("rcvae", 1)
    assert [
        record.getMessage() for record in caplog.records if record.name.startswith("rcvae")
    ] == [
        "version 1: in service",
        "version 3: in service",
        "version 1: out of service",
    ]


def test_a_request_that_came_before_the_change_is_answered_after_it(model_folder):
    versions = versions_of(model_folder)
    versions.load_first()
    served = versions.current()
    shutil.copytree(model_folder / "1", model_folder / "2")
    versions.look()
    assert states(versions) == {"2": "AVAILABLE"}
    rows = {"eol": np.array([500]), "ecl": np.array([3]), "seed": np.array([1])}
    answer = asyncio.run(served.predict("generate", rows))
    assert answer["voltage_v"].shape == (1, 16)


def test_several_versions_are_served_where_wanted(model_folder):
    shutil.copytree(model_folder / "1", model_folder / "2")
    versions = versions_of(model_folder, most=2)
    versions.load_first()
    assert states(versions) == {"2": "AVAILABLE", "1": "AVAILABLE"}
    assert versions.get("rcvae", 1).version == 1
    assert versions.get("rcvae", None).version == 2


def test_a_broken_version_leaves_the_older_one_in_service(model_folder):
    versions = versions_of(model_folder)
    versions.load_first()
    shutil.copytree(model_folder / "1", model_folder / "2")
    saved_model = model_folder / "2" / "saved_model.pb"
    whole = saved_model.read_bytes()
    saved_model.write_bytes(whole[: len(whole) // 2])
    versions.look()
    versions.look()
    assert versions.current().version == 1
    assert states(versions) == {"2": "END", "1": "AVAILABLE"}
    message = versions.status("rcvae", 2)["model_version_status"][0]["status"]["error_message"]
    assert "not readable" in message
    time.sleep(0.01)
    saved_model.write_bytes(whole)  # mended in place: looked at again
    versions.look()
    assert versions.current().version == 2


def test_a_server_starts_with_the_newest_version_that_can_be_read(model_folder):
    for number in ("2", "3"):
        shutil.copytree(model_folder / "1", model_folder / number)
        (model_folder / number / "saved_model.pb").write_bytes(b"x")
    versions = versions_of(model_folder)
    versions.load_first()
    assert states(versions) == {"3": "END", "2": "END", "1": "AVAILABLE"}
    shutil.rmtree(model_folder / "3")
    versions.look()
    assert states(versions) == {"2": "END", "1": "AVAILABLE"}


def test_a_version_that_is_copied_in_slowly_is_served_once_it_is_whole(model_folder):
    versions = versions_of(model_folder)
    versions.load_first()
    shutil.copytree(model_folder / "1", model_folder / "2")
    variables = model_folder / "2" / "variables"
    variables.rename(model_folder / ".variables")
    versions.look()
    assert states(versions) == {"2": "END", "1": "AVAILABLE"}
    (model_folder / ".variables").rename(variables)
    versions.look()
    assert states(versions) == {"2": "AVAILABLE"}


def test_half_a_folder_is_no_version(model_folder):
    (model_folder / "5").mkdir()
    (model_folder / ".export-x").mkdir()
    (model_folder / "latest").mkdir()
    versions = versions_of(model_folder)
    versions.load_first()
    assert states(versions) == {"1": "AVAILABLE"}


def test_a_version_that_is_deleted_is_served_on(model_folder):
    versions = versions_of(model_folder)
    versions.load_first()
    shutil.rmtree(model_folder / "1")
    versions.look()
    assert versions.current().version == 1


def test_the_version_before_takes_over_where_the_newest_is_deleted(model_folder):
    shutil.copytree(model_folder / "1", model_folder / "2")
    versions = versions_of(model_folder)
    versions.load_first()
    shutil.rmtree(model_folder / "2")
    versions.look()
    assert states(versions) == {"1": "AVAILABLE"}


def test_a_watching_thread_finds_a_new_version(model_folder):
    versions = versions_of(model_folder)
    versions.load_first()
    versions.watch(0.02)
    shutil.copytree(model_folder / "1", model_folder / ".2")
    (model_folder / ".2").rename(model_folder / "2")
    deadline = time.monotonic() + 60
    while versions.current().version != 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    versions.close()


def test_nothing_to_serve_is_told_before_the_start(tmp_path, model_folder):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(SettingsError, match="holds no version of a model. Make one with"):
            versions_of(folder).load_first()
    (model_folder / "1" / "assets.extra" / "rcvae.json").unlink()
    with pytest.raises(SettingsError, match=r"rcvae.json: not readable.* Export the run anew"):
        versions_of(model_folder).load_first()


@pytest.mark.parametrize("damage", ["warm_up", "variables"])
def test_damage_is_one_line(model_folder, damage):
    version = model_folder / "1"
    if damage == "warm_up":
        (version / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"x" * 100)
    else:
        shutil.rmtree(version / "variables")
    with pytest.raises(SettingsError) as error:
        versions_of(model_folder).load_first()
    assert "\n" not in str(error.value)
