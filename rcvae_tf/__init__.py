"""RCVAE: lithium-ion charging curves for a wanted cycle life and age.

Names are resolved when they are used, so that a command answers `--help` without TensorFlow.
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["RCVAE", "Condition", "ModelConfig", "TrainConfig", "__version__", "load_run"]

_HOMES = {
    "RCVAE": "rcvae_tf.model.rcvae",
    "Condition": "rcvae_tf.conditions",
    "ModelConfig": "rcvae_tf.config",
    "TrainConfig": "rcvae_tf.config",
    "load_run": "rcvae_tf.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
