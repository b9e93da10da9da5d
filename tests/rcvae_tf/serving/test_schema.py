"""What the OpenAPI document says is what the server does: schemathesis against it."""

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
)


GENERATION = hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_the_document_is_kept(app, mode):
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    paths = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        paths.add(operation.path)
        keep(operation, mode)
    assert {"/v1/models/{model}:predict", "/health", "/v1/models/{model}/metadata"} <= paths


def keep(operation, mode):
    """Sends requests of one operation, well formed or not, and judges the answers."""

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @GENERATION
    def check(case):
        case.call_and_validate(checks=list(CHECKS))

    try:
        check()
    except hypothesis.errors.Unsatisfiable:
        # Any text may be the name of a model: such a request cannot be malformed.
        assert operation.method == "get"
        assert {parameter.name for parameter in operation.iter_parameters()} <= {"model"}
