"""Requests that an exported model answers: as JSON bodies, and as TensorFlow Serving's warm-up."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from data_prep.protocol import policy_numbers
from rcvae_tf.exporting.endpoints import Endpoints
from rcvae_tf.generation.policies import example_policy
from rcvae_tf.run import Run
from rcvae_tf.servable.layout import (
    DECODE,
    ECL,
    ENCODE,
    EOL,
    GENERATE,
    POLICY_STEPS,
    RECONSTRUCT,
    SEED,
    VersionDirectory,
    Z,
)

Rows = dict[str, NDArray]

# The first requests of a server are slow; it makes them to itself, of one row and of many.
WARM_UP_ROWS = (1, 64)


def example_requests(run: Run, endpoints: Endpoints) -> dict[str, Rows]:
    """A row for every signature: a condition of the training data, and a charge of it."""
    label = run.vocabulary.labels[len(run.vocabulary) // 2]
    condition: Rows = {EOL: label[:1], ECL: label[1:]}
    if endpoints.with_policy:
        policy = example_policy(run.data.get("training_policies", []))
        condition[POLICY_STEPS] = policy_numbers(policy)[None]
    decode = {Z: np.zeros((1, endpoints.latent_dim), np.float32), **condition}
    by_signature = endpoints.by_signature()
    tensors = {name: tf.constant(values) for name, values in decode.items()}
    charge = {k: v.numpy() for k, v in by_signature[DECODE].function(tensors).items()}
    return {
        GENERATE: {**condition, SEED: np.array([1])},
        DECODE: decode,
        ENCODE: charge | condition,
        RECONSTRUCT: charge | condition,
    }


def write_examples(requests: dict[str, Rows], directory: VersionDirectory) -> None:
    """Writes a body for each signature, in row form."""
    for signature, rows in requests.items():
        row = {name: values[0].tolist() for name, values in rows.items()}
        body = {"signature_name": signature, "instances": [row]}
        directory.example(signature).write_text(json.dumps(body) + "\n", encoding="utf-8")


def write_warm_up(requests: dict[str, Rows], model_name: str, path: Path) -> None:
    """Writes requests as records of `PredictionLog`, in the format of TensorFlow Serving."""
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, rows in requests.items():
            for count in WARM_UP_ROWS:
                request = predict_pb2.PredictRequest()
                request.model_spec.name = model_name
                request.model_spec.signature_name = signature
                for name, values in rows.items():
                    repeated = tf.make_tensor_proto(np.repeat(values, count, axis=0))
                    request.inputs[name].CopyFrom(repeated)
                log = prediction_log_pb2.PredictLog(request=request)
                record = prediction_log_pb2.PredictionLog(predict_log=log)
                writer.write(record.SerializeToString())
