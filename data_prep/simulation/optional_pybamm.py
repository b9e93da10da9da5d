"""The one place that imports PyBaMM: an optional package, used without its telemetry."""

import os

from data_prep.errors import UserError

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")  # PyBaMM reads it while it is imported
try:
    import pybamm
except ImportError as error:
    raise UserError(
        "the simulation needs PyBaMM, which is not installed. "
        'Install it with: pip install "rcvae_tf[simulate]"'
    ) from error

__all__ = ["pybamm"]
