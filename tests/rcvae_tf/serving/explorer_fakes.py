"""A model whose charges are formulae, and the page over it.

For a look: `uvicorn --factory tests.rcvae_tf.serving.explorer_fakes:app`, then 127.0.0.1:8000.
"""

import asyncio
import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from data_prep.errors import UserError
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.servable.measured import Measured
from rcvae_tf.serving.explorer import explorer_routes

SIGNALS = (
    *("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah"),
    "elapsed_time_s",
)
POLICIES = ("5.4C(40%)-3.6C", "2C(60%)-1.5C")
EOL_RANGE, ECL_RANGE = (400, 1200), (1, 100)
WEIGHT = 0.5
# What our server sends with every answer.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)


def facts_of(signals=SIGNALS, with_policy=False, side=16, **changes):
    values = {
        "preset": "default",
        "split": "sample",
        "signals": signals,
        "height": side,
        "width": side,
        "latent_dim": 4,
        "eol_range": EOL_RANGE,
        "ecl_range": ECL_RANGE,
        "num_conditions": 1200,
        "condition_weight": WEIGHT,
        "with_policy": with_policy,
        "training_policies": POLICIES,
        "most_fast_steps": 2,
        "nominal_capacity_ah": 1.1,
        "max_voltage_v": 3.6,
        "signal_ranges": {
            "voltage_v": [3.0, 3.6],
            "current_c_rate": [0.0, 6.0],
            "temperature_degc": [30.0, 38.0],
            "charge_capacity_ah": [0.0, 1.2],
            "elapsed_time_s": [0.0, 3000.0],
        },
        "provenance": {"generator": {"run": "fake"}, "code_version": "rcvae_tf 0"},
    }
    return ServedFacts(**{**values, **changes})


def charges(eol, ecl, seed, c_rate, points):
    """By signal, each of shape `(rows, points)`; a seed moves voltage, temperature and capacity."""
    eol, ecl, seed, c_rate = (np.asarray(v, np.float64)[:, None] for v in (eol, ecl, seed, c_rate))
    u = np.linspace(0.0, 1.0, points)[None]
    offset = seed % 10
    tail = np.exp(-np.maximum(u - 0.8, 0.0) / 0.05)
    moved = (np.minimum(u, 0.8) + 0.05 * (1 - tail)) / 0.85
    curves = {
        "voltage_v": np.minimum(3.0 + 0.75 * u + 0.005 * offset, 3.6),
        "current_c_rate": c_rate * tail + 0 * eol,
        "temperature_degc": 30.0 + 4 * np.sin(np.pi * u) + 0.1 * offset,
        "charge_capacity_ah": (1.0 + eol / 1e4 - ecl / 1e3 + 0.001 * offset) * moved,
        "elapsed_time_s": (2400 + 4 * ecl) * u,
    }
    return {name: values.astype(np.float32) for name, values in curves.items()}


def measured_of(facts):
    """Three charges, like those of seed 4: V 0.02 above that of seed 0."""
    labels = np.array([[600, 10], [800, 50], [1000, 90]])
    curves = charges(*labels.T, [4] * 3, [1.0] * 3, facts.num_points)
    return Measured(
        curves={name: values for name, values in curves.items() if name in facts.signals},
        labels=labels,
        cell_ids=np.array(["b1c0", "b1c1", "b2c7"]),
        policies=np.array([POLICIES[0], POLICIES[1], POLICIES[0]]),
        condition_weight=WEIGHT,
    )


@dataclass
class FakeModel:
    facts: ServedFacts = field(default_factory=facts_of)
    measured: Measured | None = None
    name: str = "rcvae"
    version: int = 3
    calls: list = field(default_factory=list)
    # Seconds that a charge of an EOL takes, and the fault that any of them ends with.
    delay_s: dict = field(default_factory=dict)
    fault: Exception | None = None

    async def predict(self, signature, inputs):
        self.calls.append((signature, inputs))
        await asyncio.sleep(self.delay_s.get(int(inputs["eol"][0]), 0.0))
        if self.fault is not None:
            raise self.fault
        rows = len(inputs["eol"])
        c_rate = inputs["policy_steps"][:, 0, 0] if "policy_steps" in inputs else np.ones(rows)
        seed = inputs.get("seed", np.zeros(rows))
        curves = charges(inputs["eol"], inputs["ecl"], seed, c_rate, self.facts.num_points)
        answer = {name: curves[name] for name in self.facts.signals}
        if "elapsed_time_s" in answer:
            answer["time_s"] = answer.pop("elapsed_time_s")
        return answer | (matched(inputs) if signature == "generate" else {})


def matched(inputs):
    eol, ecl = np.clip(inputs["eol"], *EOL_RANGE), np.clip(inputs["ecl"], *ECL_RANGE)
    distance = WEIGHT * np.abs(eol - inputs["eol"]) + WEIGHT * np.abs(ecl - inputs["ecl"])
    return {
        "matched_eol": eol,
        "matched_ecl": ecl,
        "distance": distance.astype(np.float32),
        "in_support": distance == 0,
    }


def fake_model(signals=SIGNALS, with_policy=False, side=16, with_measured=True, **changes):
    facts = facts_of(signals, with_policy, side, **changes)
    return FakeModel(facts, measured_of(facts) if with_measured else None)


def app(current=None):
    """The page alone, with the headers and the answers to faults that the server has."""
    model = fake_model(with_policy=True)
    made = FastAPI()
    made.include_router(explorer_routes(current or (lambda: model)))

    @made.exception_handler(UserError)
    def fault(request: Request, error: UserError):
        return JSONResponse({"error": str(error)}, 400)

    @made.middleware("http")
    async def headers(request: Request, call_next):
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    return made


@contextmanager
def served(what):
    """A model or an app, served in a thread on a free port of this machine; gives its address."""
    made = app(lambda: what) if isinstance(what, FakeModel) else what
    config = uvicorn.Config(made, port=0, lifespan="off", ws="none", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def text(self):
        return self.content.decode()

    def json(self):
        return json.loads(self.content)


def get(address, path, headers=None):
    """A path as it is written, of the server at an address."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()
