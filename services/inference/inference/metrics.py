"""The counters of inference, for Prometheus."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString

BUCKETS_S = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0015,
    0.002,
    0.003,
    0.005,
    0.0075,
    0.01,
    0.015,
    0.02,
    0.03,
    0.05,
    0.1,
    0.25,
    1.0,
)


class TimeSeries:
    """The observations of one histogram, which one thread makes.

    A frame makes six of them. Those of prometheus_client take a lock for each of their parts, and
    together an eighth of what the event loop does for a frame.

    Args:
        bounds: the upper bounds of the buckets, ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value in the first bucket whose bound it does not exceed."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return for each bound the number of values up to it; the last bound is +Inf."""
        bounds = (*map(floatToGoString, self._bounds), "+Inf")
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True))

    @property
    def total(self) -> float:
        """Sum of all values."""
        return self._sum


class HistogramCollector:
    """A histogram as prometheus_client collects it.

    Args:
        name: name of the metric.
        documentation: what it counts.
        bounds: the upper bounds of the buckets, ascending.
        registry: the registry that asks for it.
        label: name of the label that tells its series apart; "" where there is one without a label.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        bounds: Sequence[float],
        registry: CollectorRegistry,
        label: str = "",
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._labels = [label] if label else []
        self._series: dict[str, TimeSeries] = {}
        self._created_s = time.time()
        registry.register(self)

    def series(self, value: str = "") -> TimeSeries:
        """Return the observations of one value of the label; a new one has none yet."""
        return self._series.setdefault(value, TimeSeries(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram; prometheus_client calls this."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for value, series in self._series.items():
            values = [value] if self._labels else []
            family.add_metric(values, series.buckets(), series.total)
            labels = dict(zip(self._labels, values, strict=True))
            family.add_sample(f"{self._name}_created", labels, self._created_s)
        yield family


class InferenceMetrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "lapwing_predictions",
            "Requests for a prediction, by HTTP status",
            ["status"],
            registry=self._registry,
        )
        self.refusals = Counter(
            "lapwing_predictions_refused",
            "Requests for a prediction that were refused, by the type of the error",
            ["reason"],
            registry=self._registry,
        )
        self.seconds = HistogramCollector(
            "lapwing_prediction_seconds",
            "Time from a whole request to its answer",
            BUCKETS_S,
            self._registry,
        ).series()
        stages = HistogramCollector(
            "lapwing_stage_seconds",
            "Time of each stage of a frame: in the queue, decoding, resizing, in the network",
            BUCKETS_S,
            self._registry,
            "stage",
        )
        self.queue_seconds = stages.series("queue")
        self.decode_seconds = stages.series("decode")
        self.resize_seconds = stages.series("resize")
        self.infer_seconds = stages.series("infer")
        self.frames_per_request = HistogramCollector(
            "lapwing_request_pictures",
            "Frames in a request",
            (1, 2, 4, 8, 16, 32, 64),
            self._registry,
        ).series()
        # The name of the metric is public, and older than the word "worker".
        self.workers = Gauge(
            "lapwing_lanes", "Worker processes that can take frames", registry=self._registry
        )
        self.version = Gauge(
            "lapwing_model_version",
            "Version that is served; 0 where there is none",
            registry=self._registry,
        )
        self.model = Gauge(
            "lapwing_model_info",
            "1 for the version that is served",
            ["version", "sha256"],
            registry=self._registry,
        )
        self.refused = Gauge(
            "lapwing_model_versions_refused",
            "Versions that became current and were not fit to drive",
            registry=self._registry,
        )

    def serve(self, version: int, sha256: str) -> None:
        """Set the version that is served from now on."""
        self.version.set(version)
        self.model.clear()
        self.model.labels(str(version), sha256).set(1)

    def text(self) -> bytes:
        """Return all counters in the text format of Prometheus."""
        return generate_latest(self._registry)
