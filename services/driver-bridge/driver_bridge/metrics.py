"""The counters of the bridge, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_S = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.25, 0.5)


class _FrameAgeCollector(Collector):
    """Reads the frame ages of the connected simulators when the metrics are asked for.

    Gauges would keep the figures of every connection that ever existed.
    """

    def __init__(self, ages: Callable[[], Mapping[str, Mapping[float, float]]]) -> None:
        self._ages = ages

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "lapwing_bridge_frame_age_seconds",
            "Time from the first bytes of a telemetry to the answer that is steered by its frame, "
            "over the last answers",
            labels=["simulator", "quantile"],
        )
        for simulator, quantiles in self._ages().items():
            for share, age_s in quantiles.items():
                family.add_metric([simulator, str(share)], age_s)
        yield family


class _CountCollector(Collector):
    """Reads counts that other parts of the bridge keep."""

    def __init__(self, counts: Mapping[str, tuple[str, Callable[[], int]]]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        for name, (description, count) in self._counts.items():
            yield CounterMetricFamily(f"lapwing_bridge_{name}", description, value=count())


class BridgeMetrics:
    """The counters of one bridge, in a registry of their own.

    Args:
        ages: returns the frame ages in seconds by simulator and quantile.
        counts: description and value of the counts that other parts keep, by name.
    """

    def __init__(
        self,
        ages: Callable[[], Mapping[str, Mapping[float, float]]] = dict,
        counts: Mapping[str, tuple[str, Callable[[], int]]] | None = None,
    ) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_FrameAgeCollector(ages))
        self._registry.register(_CountCollector(counts or {}))
        self.clients = Gauge(
            "lapwing_bridge_clients", "Simulators that are connected", registry=self._registry
        )
        self.answers = Counter(
            "lapwing_bridge_answers",
            "Answers to telemetries: steered by the model, with the last steering held, stopped, "
            "or manual",
            ["how"],
            registry=self._registry,
        )
        self.folded = Counter(
            "lapwing_bridge_folded",
            "Telemetries that were covered by the answer to another telemetry",
            registry=self._registry,
        )
        self.answer_seconds = Histogram(
            "lapwing_bridge_answer_seconds",
            "Time from the first bytes of a telemetry to its answer",
            buckets=BUCKETS_S,
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self._registry)
