"""Paths that more than one module names."""

PATH = "/v1/models/{model}:predict"
PATH_OF_VERSION = "/v1/models/{model}/versions/{version}:predict"
HEALTH = "/health"
METRICS = "/monitoring/prometheus/metrics"
