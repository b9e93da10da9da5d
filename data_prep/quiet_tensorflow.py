"""TensorFlow on first use, and quietly: it takes seconds and talks past Python's streams."""

import importlib
import os
import sys
import tempfile
from types import ModuleType


def import_tensorflow() -> ModuleType:
    """TensorFlow, imported without its notes on processor and drivers.

    It writes them to the standard error of the process, past Python and before it reads its own
    settings of verbosity. They are kept, and shown where the import fails.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    standard_error = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            return importlib.import_module("tensorflow")
        except Exception:
            notes.seek(0)
            os.write(standard_error, notes.read())
            raise
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
