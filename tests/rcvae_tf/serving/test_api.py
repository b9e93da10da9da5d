"""TensorFlow Serving's paths, bodies and errors."""

import json

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal

MODEL = "/v1/models/rcvae"
ROW = {"eol": 500, "ecl": 3, "seed": 1}


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1"])
def test_status(client, path):
    assert client.get(path).json() == {
        "model_version_status": [
            {
                "version": "1",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1"])
def test_metadata(client, path):
    told = client.get(f"{path}/metadata").json()
    assert told["model_spec"] == {"name": "rcvae", "signature_name": "", "version": "1"}
    signatures = told["metadata"]["signature_def"]["signature_def"]
    assert sorted(signatures) == ["decode", "encode", "generate", "reconstruct", "serving_default"]
    assert signatures["generate"]["inputs"]["eol"] == {
        "name": "generate_eol:0",
        "dtype": "DT_INT64",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }
    assert signatures["generate"]["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1"])
@pytest.mark.parametrize("signature", [{}, {"signature_name": "generate"}])
def test_rows_and_columns_give_the_charges_of_the_graph(client, exported, path, signature):
    rows = [ROW, {"eol": 613, "ecl": 2, "seed": 7}]
    columns = {name: [row[name] for row in rows] for name in ROW}
    by_row = client.post(f"{path}:predict", json={"instances": rows, **signature}).json()
    by_column = client.post(f"{path}:predict", json={"inputs": columns, **signature}).json()
    generate = tf.saved_model.load(str(exported.path)).signatures["generate"]
    expected = generate(**{name: tf.constant(v, tf.int64) for name, v in columns.items()})
    assert sorted(by_column["outputs"]) == sorted(expected)
    for name, values in expected.items():
        assert_array_equal(np.array(by_column["outputs"][name], values.numpy().dtype), values)
        assert [row[name] for row in by_row["predictions"]] == by_column["outputs"][name]


@pytest.mark.parametrize("signature", ["generate", "decode", "encode", "reconstruct"])
def test_the_examples_beside_the_model_are_answered(client, exported, signature):
    body = exported.example(signature).read_bytes()
    answer = client.post(f"{MODEL}:predict", content=body)
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/models/other", 404, "Servable not found for request: Latest(other). The"),
        ("GET", f"{MODEL}/versions/9", 404, "Specific(rcvae, 9). Versions in service: 1."),
        ("GET", f"{MODEL}/versions/9/metadata", 404, "Specific(rcvae, 9)"),
        ("GET", f"{MODEL}/versions/{10**40}", 404, "Specific(rcvae, 1000"),
        ("GET", f"{MODEL}/versions/x", 400, "version: input should be a valid integer"),
        ("GET", f"{MODEL}/versions/1.5", 400, "version: input should be a valid integer"),
        ("POST", "/v1/models/other:predict", 404, "Latest(other)"),
        ("POST", f"{MODEL}/versions/9:predict", 404, "Specific(rcvae, 9)"),
        ("POST", f"{MODEL}:classify", 405, "POST is not allowed here"),
        ("GET", "/v1/models", 404, "/v1/models: no such path. See /openapi.json."),
        ("GET", "/../../etc/passwd", 404, "no such path"),
        ("GET", "/explorer/static/..%2f..%2froutes.py", 404, ""),
        ("DELETE", MODEL, 405, "DELETE is not allowed here"),
    ],
)
def test_unknown_paths_models_and_versions(client, method, path, status, message):
    assert message in error_of(client.request(method, path), status)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b'{"instances": [{"eol": 500, "ecl": 3, "seed": NaN}]}', "the body is not JSON"),
        ({"instances": [{**ROW, "ecl": 0}]}, "ecl: 0 is out of range, expected 1 to 1000000."),
        ({"instances": [ROW] * 65}, "has 65 rows, expected 1 to 64. Send several requests."),
        ({"instances": [ROW], "signature_name": "x"}, "signature_name: 'x' is not known, expected"),
        ({"instances": [{"x": 1}], "signature_name": "decode"}, "expected ecl, eol, z."),
    ],
)
def test_bad_bodies_are_told_in_one_line(client, body, message):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(f"{MODEL}:predict", content=content)
    assert message in error_of(answer, 400)
    assert "\n" not in answer.json()["error"]


def test_health_and_numbers_for_prometheus(client):
    assert client.get("/health").json() == {"status": "ok", "model": "rcvae", "version": 1}
    client.post(f"{MODEL}:predict", json={"instances": [ROW] * 3})
    answer = client.get("/monitoring/prometheus/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'rcvae_requests_total{path="/v1/models/{model}:predict",status="200"}' in answer.text
    assert "rcvae_batch_rows_sum" in answer.text
    assert "rcvae_waiting_rows 0.0" in answer.text


def test_every_answer_has_security_headers(client):
    for path in (MODEL, "/nothing", "/"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def test_the_openapi_document_tells_bodies_and_errors(client):
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/models/{model}:predict"]["post"]
    assert sorted(operation["responses"]) == ["200", "400", "404", "408", "413", "503"]
    schemas = document["components"]["schemas"]
    first = schemas["PredictRequest"]["anyOf"]
    assert len(first) == 8
    row = next(s for s in first if "generate" in s["properties"]["signature_name"]["enum"])
    assert row["properties"]["instances"]["items"]["properties"]["eol"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1000000,
    }
    assert row["properties"]["instances"]["maxItems"] == 64
    assert "HTTPValidationError" not in schemas
