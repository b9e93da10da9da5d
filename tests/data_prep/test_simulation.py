import dataclasses

import numpy as np
import pytest

from data_prep.errors import UserError
from data_prep.protocol import ChargeStep
from data_prep.simulation.catalogue import file_plans, published_cells
from data_prep.simulation.cells import CellSpec, ageing_state
from data_prep.simulation.policies import fast_charge_steps, policy_code
from tests.builders import EARLY_CYCLES

NOMINAL_CAPACITY_AH = 1.1
# Five standard deviations: no sample of the few thousand here lies beyond.
VOLTAGE_MARGIN_V = 5 * 2e-4


def records_of(cells):
    return [record for cell in cells for record in cell.records]


def charge_of(record):
    return record.discharge_capacity_ah == 0


@pytest.mark.parametrize(
    "text", ["1C", "5.4C(40%)-3.6C(80%)-2C", "1C(1%)-2C(2%)-3C(3%)-4C(4%)-5C", "2C(50%)-1C(100%)"]
)
def test_a_policy_that_the_simulated_cycler_does_not_have_is_refused(text):
    with pytest.raises(UserError, match="Received: policy="):
        fast_charge_steps(text)


def test_the_simulated_cycler_takes_the_steps_before_80_percent():
    steps = fast_charge_steps("4.8C(20%)-5.2C(40%)-4.16C(80%)-1C")
    assert steps == (ChargeStep(4.8, 0.2), ChargeStep(5.2, 0.4), ChargeStep(4.16, 0.8))


def test_policy_code_is_spelt_as_in_the_matr_files():
    assert policy_code("3.6C(80%)-3.6C") == "3_6C-80PER_3_6C"


@pytest.mark.parametrize("spec", published_cells(12, seed=3), ids=lambda spec: str(spec.eol))
def test_capacity_crosses_80_percent_of_nominal_at_the_end_of_life(spec):
    # The noise of 0.25 mAh is up to half a cycle's fade in a long life; two cycles bound it.
    cycles = range(1, spec.eol + 20)
    capacity_ah = ageing_state(spec, cycles).capacity_ah
    first_below = cycles[int(np.argmax(capacity_ah < 0.8 * NOMINAL_CAPACITY_AH))]
    assert abs(first_below - spec.eol) <= 2


def test_a_cycle_ages_the_same_whichever_others_are_asked_for():
    spec = CellSpec("any", "4C(80%)-4C", eol=900, seed=5)
    alone, among = ageing_state(spec, [7]), ageing_state(spec, range(1, 11))
    assert alone.capacity_ah[0] == among.capacity_ah[6]
    assert alone.internal_resistance_ohm[0] == among.internal_resistance_ohm[6]


def test_discharge_capacity_crosses_80_percent_at_the_end_of_life(simulated):
    spec = published_cells(12, seed=0)[8]
    assert spec.eol == 335
    (cell,) = simulated([spec], range(330, 341))
    capacity_ah = np.array([record.discharge_capacity_ah.max() for record in cell.records])
    first_below = cell.records[int(np.argmax(capacity_ah < 0.8 * NOMINAL_CAPACITY_AH))].number
    assert abs(first_below - spec.eol) <= 2


def test_ageing_raises_the_voltage_of_the_same_charge(simulated):
    spec = published_cells(1, seed=0)[0]
    (cell,) = simulated([spec], [2, 700])
    young, old = [
        np.interp(0.3, record.charge_capacity_ah, record.voltage_v) for record in cell.records
    ]
    assert 0.003 < old - young < 0.1


def test_voltage_keeps_its_limits(cells):
    for record in records_of(cells):
        assert record.voltage_v.max() <= 3.6 + VOLTAGE_MARGIN_V
        # The limit holds to 4.4 A / 60 A per V below the 2 V of the discharge.
        assert record.voltage_v.min() >= 2.0 - 0.08


def test_time_rises_and_capacities_do_not_fall(cells):
    for record in records_of(cells):
        assert record.time_min[0] == 0
        assert np.diff(record.time_min).min() > 0
        assert np.diff(record.charge_capacity_ah).min() >= 0
        assert np.diff(record.discharge_capacity_ah).min() >= 0


def test_a_cycle_is_charge_then_rest_then_4c_discharge(cells):
    for record in records_of(cells):
        charge = charge_of(record)
        charging = np.flatnonzero(record.current_c_rate > 0.01)
        discharging = np.flatnonzero(record.current_c_rate < -0.01)
        resting = record.current_c_rate[charging[-1] + 1 : discharging[0]]
        assert 10 < record.time_min[charging[-1]] < 45
        assert resting.size
        assert not resting.any()
        assert not charge[discharging].any()
        # 5 mC is ten times the noise.
        assert np.median(record.current_c_rate[discharging]) == pytest.approx(-4, abs=5e-3)


def test_charge_follows_its_policy(cells):
    record = cells[0].records[0]
    assert cells[0].spec.policy == "5.4C(40%)-3.6C"
    rate = np.interp([0.2, 0.4, 0.5, 0.8], record.charge_capacity_ah, record.current_c_rate)
    # Noise of 0.5 mC; 0.4 Ah is below 40 % (0.44 Ah), 0.5 Ah above.
    np.testing.assert_allclose(rate, [5.4, 5.4, 3.6, 3.6], atol=5e-3)


def test_integral_of_the_current_is_the_charge_capacity(cells):
    for record in records_of(cells):
        charge = charge_of(record)
        hours, rate = record.time_min[charge] / 60, record.current_c_rate[charge]
        integral_ah = np.trapezoid(rate, hours) * NOMINAL_CAPACITY_AH
        # A step of at most 5 C falls between two samples 4 s apart: half of it is misjudged,
        # 5 C x 1.1 A/C x 2 s = 3 mAh; there are two such steps.
        assert integral_ah == pytest.approx(record.charge_capacity_ah.max(), abs=6e-3)


def test_charge_and_discharge_capacity_agree(cells):
    for record in records_of(cells):
        # The real cells lose less than 0.2 % a cycle; the model adds up to 1 mAh at its cut-off.
        assert record.charge_capacity_ah.max() == pytest.approx(
            record.discharge_capacity_ah.max(), abs=2e-3
        )


def test_highest_temperature_is_what_fast_charged_cells_reach(simulated):
    cells = list(simulated(published_cells(12, seed=0), [1]))
    highest = [record.temperature_degc.max() for record in records_of(cells)]
    # Known of the real ones: 33 to 39 degC. The thermocouples are off by 0.3 K, up to twice that.
    assert 33 < min(highest) < max(highest) < 39.6


def test_same_seed_same_arrays_whatever_else_is_simulated(simulated, cells):
    (again,) = simulated(published_cells(2, seed=0)[1:], EARLY_CYCLES)
    for first, second in zip(cells[1].records, again.records, strict=True):
        for field in dataclasses.fields(first):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


def test_another_seed_makes_another_cell(simulated, cells):
    (other,) = simulated(published_cells(1, seed=1), [1])
    assert other.records[0].charge_capacity_ah.max() != cells[0].records[0].charge_capacity_ah.max()


def test_a_continued_record_goes_on_where_the_first_ended(simulated):
    plans = file_plans(124, seed=0)
    begun, continued = plans[0].cells[3], plans[1].cells[15]
    last = ageing_state(begun, [begun.last_cycle])
    first = ageing_state(continued, [1, 100])
    assert first.cycles.tolist() == [1227, 1326]
    # It rises by 6 mAh after the pause, and is past that after a hundred cycles.
    assert 0.003 < first.capacity_ah[0] - last.capacity_ah[0] < 0.009
    assert first.capacity_ah[1] < last.capacity_ah[0]
    assert ageing_state(continued, [208]).capacity_ah[0] == pytest.approx(0.88, abs=2e-3)


def test_an_unfinished_cell_never_reaches_80_percent():
    for spec in file_plans(124, seed=0)[0].cells:
        if spec.eol == 4000:
            cycles = range(1, spec.last_cycle + 1)
            assert ageing_state(spec, cycles).capacity_ah.min() > 0.9


def test_a_noisy_channel_is_fifty_times_as_noisy(simulated):
    spec = published_cells(1, seed=0)[0]
    noisy = dataclasses.replace(spec, noisy=True)
    (clean,), (other,) = simulated([spec], [5]), simulated([noisy], [5])
    difference = other.records[0].voltage_v - clean.records[0].voltage_v
    # 49 times the noise of 0.2 mV; of some nine hundred samples its spread is known to 3 %.
    assert np.std(difference) == pytest.approx(49 * 2e-4, rel=0.1)
    assert np.std(np.diff(other.records[0].temperature_degc)) > 1


def test_batch_1_rests_for_a_minute_at_80_percent(simulated):
    spec = published_cells(1, seed=0)[0]
    (cell,) = simulated([dataclasses.replace(spec, rest_s=60.0)], [5])
    record = cell.records[0]
    charging = np.flatnonzero(record.current_c_rate > 0.01)
    resting = np.flatnonzero(record.current_c_rate[: charging[-1]] == 0)
    np.testing.assert_allclose(record.charge_capacity_ah[resting], 0.88, atol=1e-3)
    # Samples come every 4 s; the current takes two seconds to fall and one to rise.
    assert np.ptp(60 * record.time_min[resting]) == pytest.approx(54, abs=6)


def test_a_first_charge_begins_above_one_that_follows_a_discharge(cells):
    for cell in cells:
        first, second = cell.records[:2]
        assert 0.2 < first.voltage_v[0] - second.voltage_v[0] < 0.8


def test_a_discharge_gives_the_capacity_that_the_ageing_law_says(cells):
    for cell in cells:
        wanted_ah = ageing_state(cell.spec, EARLY_CYCLES).capacity_ah
        given_ah = [record.discharge_capacity_ah.max() for record in cell.records]
        np.testing.assert_allclose(given_ah, wanted_ah, atol=1e-5)


def test_noise_belongs_to_the_cycle_of_the_cell_not_of_the_record(simulated, monkeypatch):
    # Without the rise the charge of both is the same, and as long.
    monkeypatch.setattr("data_prep.simulation.cells.PAUSE_RISE_AH", 0.0)
    spec = published_cells(1, seed=0)[0]
    continued = dataclasses.replace(spec, cycles_before=4)
    (whole,), (part,) = simulated([spec], [2, 6]), simulated([continued], [2])
    second, sixth = whole.records
    np.testing.assert_array_equal(part.records[0].voltage_v, sixth.voltage_v)
    # A hundred seconds into 5.4 C the current is that of the policy, with noise of 0.5 mC.
    assert np.std(sixth.current_c_rate[5:30] - second.current_c_rate[5:30]) > 4e-4
