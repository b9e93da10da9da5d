"""Numbers of a view against numbers worked by hand from the formulae of the fake model."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from rcvae_tf.serving.explorer.about import about
from rcvae_tf.serving.explorer.asked import Asked, FieldError, asked_of
from rcvae_tf.serving.explorer.downloads import bdf_lacks
from rcvae_tf.serving.explorer.drawn import draw
from rcvae_tf.serving.explorer.view import view_of
from tests.rcvae_tf.serving.explorer_fakes import POLICIES, facts_of, fake_model

WITHOUT_TIME = ("voltage_v", "current_c_rate", "charge_capacity_ah")


def view(model, **query):
    asked = asked_of({"eol": "800", "ecl": "50", **query}, model.facts)
    drawn = asyncio.run(draw(model, asked))
    return view_of(asked, drawn, model.facts, model.measured)


def test_query_with_defaults():
    assert asked_of({"eol": "800", "ecl": " 50 "}, facts_of()) == Asked(800, 50, 20, 0, "")
    full = {"eol": "1", "ecl": "1000000", "draws": "50", "seed": "2147483647"}
    assert asked_of(full, facts_of()) == Asked(1, 1_000_000, 50, 2_147_483_647)


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"eol": "0"}, "eol", "EOL must be a whole number from 1 to 1000000. Received: EOL=0."),
        ({"eol": ""}, "eol", "EOL must be a whole number from 1 to 1000000. Received: nothing."),
        ({"eol": "8e2"}, "eol", "Received: EOL=8e2."),
        ({"eol": "²"}, "eol", "Received: EOL=²."),
        ({"eol": "9" * 5000}, "eol", f"Received: EOL={'9' * 40}..."),
        ({"ecl": "1000001"}, "ecl", "ECL must be a whole number from 1 to 1000000."),
        ({"draws": "51"}, "draws", "draws must be a whole number from 1 to 50."),
        ({"seed": "-1"}, "seed", "seed must be a whole number from 0 to 2147483647."),
        ({"policy": "1C"}, "policy", "this model is not told a policy"),
    ],
)
def test_field_at_fault_is_named(query, field, message):
    with pytest.raises(FieldError) as caught:
        asked_of({"eol": "800", "ecl": "50", **query}, facts_of())
    assert caught.value.field == field
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("", f"this model needs one, such as {POLICIES[0]}"),
        ("fast", "must have steps like"),
        ("1C(20%)-2C(40%)-3C(60%)-2C", "4 steps before the last one, those of the training data"),
        ("1C" * 200, "at most 200 characters"),
    ],
)
def test_policy_at_fault(policy, message):
    with pytest.raises(FieldError, match="policy") as caught:
        asked_of({"eol": "800", "ecl": "50", "policy": policy}, facts_of(with_policy=True))
    assert message in str(caught.value)


def test_seeds_follow_one_another():
    model = fake_model()
    shown = view(model, draws="3", seed="7")
    (_, inputs), (_, decoded) = model.calls
    np.testing.assert_array_equal(inputs["seed"], [7, 8, 9])
    np.testing.assert_array_equal(inputs["eol"], [800, 800, 800])
    np.testing.assert_array_equal(decoded["z"], np.zeros((1, 4)))
    assert inputs["seed"].dtype == inputs["eol"].dtype == np.int64
    assert "policy_steps" not in inputs
    assert shown["asked"] == {
        **{"eol": 800, "ecl": 50, "draws": 3, "seed": 7, "policy": "", "last_seed": 9}
    }


def test_curves_and_band():
    curves = view(fake_model(), draws="3", seed="7")["curves"]
    # At the start 3.0 V and 5 mV for each step of the seed: 3.035, 3.040, 3.045.
    np.testing.assert_allclose(curves["draws"]["voltage_v"][:, 0], [3.035, 3.04, 3.045], rtol=1e-6)
    assert curves["low"]["voltage_v"][0] == pytest.approx(3.0355, rel=1e-6)
    assert curves["high"]["voltage_v"][0] == pytest.approx(3.0445, rel=1e-6)
    assert curves["expected"]["voltage_v"][0] == 3.0
    # 2400 s and 4 s for each of 50 cycles.
    assert curves["expected"]["time_s"][-1] == 2600.0
    assert curves["draws"]["time_s"].shape == (3, 256)
    assert "time_s" not in curves["low"]


def test_nearest_measured_charge():
    measured = view(fake_model(), eol="780", ecl="44")["measured"]
    # Half of 20 cycles of EOL and half of 6 of ECL.
    told = {name: measured[name] for name in ("cell", "eol", "ecl", "distance")}
    assert told == {"cell": "b1c1", "eol": 800, "ecl": 50, "distance": 13.0}
    assert measured["curves"]["voltage_v"][0] == pytest.approx(3.02)
    assert measured["curves"]["time_s"][-1] == 2600.0


def test_measured_of_the_policy_comes_first():
    model = fake_model(with_policy=True)
    assert view(model, policy=POLICIES[0])["measured"]["cell"] == "b1c0"
    assert view(model, policy=POLICIES[1])["measured"]["cell"] == "b1c1"
    steps = model.calls[0][1]["policy_steps"]
    assert steps.shape == (20, 6, 2)
    np.testing.assert_allclose(steps[0, :2], [[5.4, 0.4], [3.6, 0.8]], rtol=1e-6)


def test_without_measured_charges():
    shown = view(fake_model(with_measured=False))
    assert shown["measured"] is None
    assert shown["frames"]["measured"] is None
    assert all(row["measured"] is None for row in shown["indicators"])


def test_match_within_the_training_data():
    assert view(fake_model())["match"] == {
        **{"eol": 800, "ecl": 50, "distance": 0.0, "in_support": True},
        **{"beyond": [], "policy": None},
    }


def test_match_beyond_the_training_data_is_told_in_words():
    match = view(fake_model(with_policy=True), eol="1300", policy="5.4C(40%)-2.6C")["match"]
    assert (match["eol"], match["distance"], match["in_support"]) == (1200, 50.0, False)
    (line,) = match["beyond"]
    assert line == (
        "EOL 1300 lies 100 cycles above the 400 to 1200 of the training data (12.5% of that range)"
    )
    # 1 C apart over half of the fast charge: the root of a half.
    expected = {"nearest": POLICIES[0], "seen": False, "c_rate_difference": 0.707}
    assert match["policy"] == expected


def test_frames():
    frames = view(fake_model())["frames"]["generated"]
    assert frames["grey"].shape == (16, 16)
    assert frames["colour"].shape == (16, 16, 3)
    # 1 C of 0 to 6 C at every point up to four fifths; no voltage above the least at the start.
    np.testing.assert_array_equal(frames["colour"][0, 0], [0, 42, 0])
    # (1 + 800 / 10000 - 50 / 1000) Ah less what the tail leaves out, of 1.2 Ah.
    end_ah = 1.03 * (0.85 - 0.05 * np.exp(-4)) / 0.85
    assert frames["grey"][-1, -1] == round(255 * end_ah / 1.2)


def test_indicators():
    rows = {row["label"]: row for row in view(fake_model(), draws="2", seed="4")["indicators"]}
    throughput = rows["throughput"]
    share = (0.85 - 0.05 * np.exp(-4)) / 0.85
    # Seeds 4 and 5: 1.034 and 1.035 Ah; two numbers spread by their difference over root 2.
    assert throughput["unit"] == "mAh"
    assert throughput["mean"] == pytest.approx(1034.5 * share, abs=0.01)
    assert throughput["spread"] == pytest.approx(share / np.sqrt(2), abs=0.001)
    assert throughput["count"] == 2
    assert throughput["measured"] == pytest.approx(1034 * share, abs=0.01)
    assert rows["temperature rise"]["measured"] == pytest.approx(4.0, abs=0.001)


def test_one_draw_has_no_spread():
    rows = view(fake_model(), draws="1")["indicators"]
    assert rows
    assert all(row["spread"] is None for row in rows)


def test_model_without_time_and_temperature():
    model = fake_model(WITHOUT_TIME, nominal_capacity_ah=None)
    shown = view(model)
    assert set(shown["curves"]["expected"]) == set(WITHOUT_TIME)
    assert not [row for row in shown["indicators"] if row["unit"] in ("s", "°C")]
    assert bdf_lacks(model.facts) == "the time"
    told = about(model)
    assert [signal["name"] for signal in told["signals"]] == list(WITHOUT_TIME)
    assert told["has_time"] is False
    assert told["colours"] == "red V, green I"


def test_start_is_measured():
    told = about(fake_model(with_policy=True))
    assert told["start"] == {
        **{"eol": 800, "ecl": 50, "draws": 20, "seed": 0, "policy": POLICIES[1]}
    }
    assert told["limits"]["eol"] == {"least": 1, "most": 1_000_000, "trained": (400, 1200)}
    assert about(fake_model(with_measured=False))["start"]["eol"] == 800
    assert about(fake_model())["policies"] is None


def test_room_needs_no_tensorflow_and_no_run():
    code = (
        "import sys, rcvae_tf.serving.explorer; "
        "print([name for name in ('tensorflow', 'keras', 'rcvae_tf.run') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (answer.stdout.strip(), answer.stderr) == ("[]", "")
