"""What the bridge counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS_S = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.5)


class Metrics:
    """Counters of one bridge, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.clients = Gauge(
            "lapwing_bridge_clients", "Simulators that are connected", registry=self._registry
        )
        self.answers = Counter(
            "lapwing_bridge_answers",
            "Telemetries answered: steered by the model, with the last steering held, stopped, "
            "or manual",
            ["how"],
            registry=self._registry,
        )
        self.answer_seconds = Histogram(
            "lapwing_bridge_answer_seconds",
            "From a telemetry to its answer",
            buckets=BUCKETS_S,
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        return generate_latest(self._registry)
