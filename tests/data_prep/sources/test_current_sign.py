import numpy as np
import pytest

from data_prep.sources.cycler.current_sign import charging_sign, has_no_sign

TAKEN = ("current: taken as positive on charge, which the voltage does not tell",)
TURNED = ("current: negative on charge in the file (the voltage tells), turned round",)

CHARGE_V = np.linspace(3.0, 4.2, 13)
DISCHARGE_V = np.linspace(4.1, 2.9, 13)


def sign_of(voltage_v, current_a, cycle=None):
    cycle = None if cycle is None else np.asarray(cycle, float)
    return charging_sign(np.asarray(voltage_v, float), np.asarray(current_a, float), cycle)


def test_voltage_that_rises_with_positive_current_needs_no_note():
    assert sign_of(CHARGE_V, np.ones(13)) == (1, ())


def test_voltage_that_falls_with_negative_current_needs_no_note():
    assert sign_of(DISCHARGE_V, -np.ones(13)) == (1, ())


@pytest.mark.parametrize(("voltage_v", "current_a"), [(CHARGE_V, -1.0), (DISCHARGE_V, 1.0)])
def test_the_other_sign_is_told_from_either_half_of_a_cycle(voltage_v, current_a):
    assert sign_of(voltage_v, np.full(13, current_a)) == (-1, TURNED)


def test_steps_of_the_current_within_a_charge_drop_the_voltage_without_harm():
    # 0.1 V is lost at each step down, 1.0 V is gained from end to end.
    voltage_v = [3.0, 3.6, 3.5, 3.9, 3.8, 4.0]
    assert sign_of(voltage_v, [-6.0, -6.0, -4.0, -4.0, -1.0, -1.0]) == (-1, TURNED)


def test_noise_of_a_long_constant_voltage_stage_does_not_outweigh_the_rise():
    noise_v = 0.002 * np.random.default_rng(0).standard_normal(20_000)
    voltage_v = np.concatenate([CHARGE_V, 4.2 + noise_v])
    assert np.abs(np.diff(voltage_v)).sum() > 40
    assert sign_of(voltage_v, -np.ones(voltage_v.size)) == (-1, TURNED)


def test_charges_alone_are_taken_apart_at_their_cycle_numbers():
    # End to end the voltage falls: the second charge stops early.
    voltage_v = [3.3, 3.8, 4.2, 2.9, 3.0, 3.1]
    current_a = np.ones(6)
    assert sign_of(voltage_v, current_a, [1, 1, 1, 2, 2, 2]) == (1, ())
    assert sign_of(voltage_v, current_a) == (-1, TURNED)


def test_offset_of_a_resting_channel_is_no_current():
    # After each discharge of 0.1 V the voltage recovers by 1 V at -1 mA.
    voltage_v = [4.0, 3.9, 3.0, 4.0] * 3
    current_a = [-2.0, -2.0, -0.001, -0.001] * 3
    assert sign_of(voltage_v, current_a) == (1, ())


def test_rows_that_are_not_finite_are_left_aside():
    voltage_v = [3.0, np.nan, 3.5, 9.0, 4.0]
    current_a = [-1.0, -1.0, -1.0, np.nan, -1.0]
    assert sign_of(voltage_v, current_a, [1, 1, 1, 1, 1]) == (-1, TURNED)


@pytest.mark.parametrize(
    ("voltage_v", "current_a"),
    [
        (np.full(5, 3.7), np.ones(5)),  # a voltage that stays
        (np.linspace(3.0, 3.1, 5), np.zeros(5)),  # rest
        ([3.0, 4.0, 4.0, 3.0], [1.0, 1.0, 1.0, 1.0]),  # there and back in one run
        ([3.0, 4.0, 3.0, 3.9], [1.0, 1.0, -1.0, -1.0]),  # one against the other
        (np.full(3, np.nan), np.ones(3)),
        ([3.0], [1.0]),
    ],
)
def test_no_clear_evidence_keeps_the_rule_of_the_formats_and_says_so(voltage_v, current_a):
    assert sign_of(voltage_v, current_a) == (1, TAKEN)


# A charge and a discharge of 40 rows each, 1.2 V up and 1.2 V down, four times over.
ROUNDS_V = np.tile(np.concatenate([np.linspace(3.0, 4.2, 40), np.linspace(4.15, 2.95, 40)]), 4)
ROUNDS_A = np.tile(np.repeat([2.0, -2.0], 40), 4)
NOISE = np.random.default_rng(0).standard_normal(320)


def test_an_unsigned_current_has_no_sign():
    assert has_no_sign(ROUNDS_V, np.abs(ROUNDS_A))
    assert has_no_sign(ROUNDS_V + 0.002 * NOISE, np.abs(ROUNDS_A) + 0.001 * NOISE)


def test_an_unsigned_current_between_rests_has_no_sign():
    # As a cycler with a state column exports 20 to 80 %: charge, rest, discharge, rest.
    voltage_v = np.tile(
        [*np.linspace(3.5, 3.9, 30), *[3.85] * 5, *np.linspace(3.8, 3.4, 30), 3.5], 3
    )
    current_a = np.tile([*[5.0] * 30, *[0.001] * 5, *[4.0] * 30, 0.0], 3)
    assert has_no_sign(voltage_v, current_a)


def test_a_signed_current_has_a_sign_whichever():
    assert not has_no_sign(ROUNDS_V, ROUNDS_A)
    assert not has_no_sign(ROUNDS_V, -ROUNDS_A)


@pytest.mark.parametrize("half", [slice(0, 40), slice(40, 80)])
def test_charges_alone_and_discharges_alone_have_a_sign(half):
    # The leap from one to the next is no stretch.
    assert not has_no_sign(np.tile(ROUNDS_V[half], 3), np.ones(120))


def test_a_voltage_that_falls_at_rest_between_charges_is_no_discharge():
    rest_v = np.linspace(4.2, 3.2, 40)
    voltage_v = np.tile(np.concatenate([np.linspace(3.2, 4.2, 40), rest_v]), 3)
    assert not has_no_sign(voltage_v, np.tile(np.repeat([2.0, 0.0], 40), 3))


def test_a_charge_in_falling_steps_of_the_current_has_a_sign():
    # Each step down takes 0.4 V, each rate gives 0.5 V: a cell of large resistance.
    voltage_v = np.concatenate([np.linspace(v, v + 0.5, 20) for v in (3.0, 3.1, 3.2, 3.3)])
    assert not has_no_sign(voltage_v, np.repeat([4.0, 3.0, 2.0, 1.0], 20))


def test_noise_of_a_constant_voltage_is_no_fall():
    voltage_v = np.concatenate([np.linspace(3.0, 4.2, 40), 4.2 + 0.002 * NOISE])
    assert not has_no_sign(voltage_v, np.ones(360))


@pytest.mark.parametrize("current_a", [0.0, np.nan])
def test_rest_and_nothing_finite_say_nothing_of_a_sign(current_a):
    assert not has_no_sign(ROUNDS_V, np.full(320, current_a))


def test_a_voltage_that_stays_says_nothing_of_a_sign():
    assert not has_no_sign(np.full(9, 3.7), np.ones(9))
