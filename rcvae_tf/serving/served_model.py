"""A version of an exported model in memory."""

import struct
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from data_prep.errors import SettingsError
from rcvae_tf.servable.facts import read_facts
from rcvae_tf.servable.layout import VersionDirectory
from rcvae_tf.servable.measured import read_measured
from rcvae_tf.serving.errors import BadRequest
from rcvae_tf.serving.signatures import Signature, read_signatures

Rows = dict[str, NDArray]


class ServedModel:
    """Answers rows of named arrays.

    Args:
        name: Of the model.
        directory: Of the version.

    Raises:
        SettingsError: Something is missing or damaged.
    """

    def __init__(self, name: str, directory: VersionDirectory) -> None:
        import tensorflow as tf

        self.name = name
        self.version = directory.version
        self.facts = read_facts(directory.facts)
        self.measured = read_measured(directory.measured)
        self.signatures, self.signature_def = read_signatures(directory.saved_model)
        try:
            self._loaded = tf.saved_model.load(str(directory.path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            first_line = str(error).strip().split("\n")[0][:160]
            raise SettingsError(f"{directory.path}: not readable ({first_line}).") from error
        self._functions = dict(self._loaded.signatures)
        for request in read_warm_up(directory.warm_up):
            self.call(*request)

    def call(self, signature: str, inputs: Rows) -> Rows:
        """What a signature gives for rows.

        Args:
            signature: One of `signatures`.
            inputs: By name, each with the same number of rows and of the type of the signature.
        """
        import tensorflow as tf

        tensors = {name: tf.constant(rows) for name, rows in inputs.items()}
        answer = {k: v.numpy() for k, v in self._functions[signature](**tensors).items()}
        return {name: answer[name] for name in self.signature(signature).outputs}

    def signature(self, name: str) -> Signature:
        """A signature by its name.

        Raises:
            BadRequest: There is none of that name.
        """
        if name not in self.signatures:
            known = ", ".join(self.signatures)
            raise BadRequest(
                f"signature_name: {name[:80]!r} is not known, expected one of {known}."
            )
        return self.signatures[name]


def read_warm_up(path: Path) -> list[tuple[str, Rows]]:
    """The requests of a warm-up file, each a signature and its rows; none where there is no file.

    Raises:
        SettingsError: The file is damaged.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    if not path.is_file():
        return []
    requests = []
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            request = log.predict_log.request
            rows = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            requests.append((request.model_spec.signature_name, rows))
    except (tf.errors.OpError, DecodeError, ValueError, TypeError, struct.error) as error:
        raise SettingsError(f"{path}: not readable ({error}). Export the run anew.") from error
    return requests


def metadata(model: ServedModel) -> dict[str, Any]:
    """As TensorFlow Serving answers `/metadata`."""
    return {
        "model_spec": {
            "name": model.name,
            "signature_name": "",
            "version": str(model.version),
        },
        "metadata": {"signature_def": {"signature_def": model.signature_def}},
    }
