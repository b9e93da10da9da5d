import os
import sys

import pytest

from data_prep import quiet_tensorflow


def test_tensorflow_is_found_missing_with_its_notes_shown(monkeypatch, capfd):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)

    def no_tensorflow(name):
        os.write(2, b"cannot find the library libm.so.9\n")
        raise ImportError(name)

    monkeypatch.setattr(quiet_tensorflow.importlib, "import_module", no_tensorflow)
    with pytest.raises(ImportError, match="tensorflow"):
        quiet_tensorflow.import_tensorflow()
    assert capfd.readouterr().err == "cannot find the library libm.so.9\n"


def test_notes_of_a_good_import_are_not_shown(monkeypatch, capfd):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)

    def tensorflow_with_notes(name):
        os.write(2, b"This binary is optimized\n")

    monkeypatch.setattr(quiet_tensorflow.importlib, "import_module", tensorflow_with_notes)
    quiet_tensorflow.import_tensorflow()
    assert capfd.readouterr().err == ""
