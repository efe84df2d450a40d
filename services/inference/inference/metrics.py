"""The counters of inference, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

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
        self.seconds = Histogram(
            "lapwing_prediction_seconds",
            "Time from a whole request to its answer",
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        stages = Histogram(
            "lapwing_stage_seconds",
            "Time of each stage of a frame: in the queue, decoding, resizing, in the network",
            ["stage"],
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self.queue_seconds = stages.labels("queue")
        self.decode_seconds = stages.labels("decode")
        self.resize_seconds = stages.labels("resize")
        self.infer_seconds = stages.labels("infer")
        self.frames_per_request = Histogram(
            "lapwing_request_pictures",
            "Frames in a request",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self._registry,
        )
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
