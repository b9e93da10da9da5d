"""Simulated cells, which several test modules look at; solving them takes seconds."""

import pytest

from tests.builders import EARLY_CYCLES


@pytest.fixture(scope="session")
def simulated():
    """The function that simulates cells; without PyBaMM the test is skipped."""
    pytest.importorskip("pybamm")
    from data_prep.simulation.fleet import simulate

    return simulate


@pytest.fixture(scope="session")
def cells(simulated):
    """The first three cells of every simulation, in their first cycles."""
    from data_prep.simulation.catalogue import published_cells

    return list(simulated(published_cells(3, seed=0), EARLY_CYCLES))
