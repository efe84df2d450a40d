import re

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from inference.metrics import HistogramCollector, InferenceMetrics


def test_the_counters_are_rendered() -> None:
    metrics = InferenceMetrics()
    metrics.requests.labels("200").inc()
    metrics.requests.labels("415").inc(2)
    metrics.seconds.observe(0.0017)
    metrics.infer_seconds.observe(0.0007)
    metrics.serve(6, "beef")
    metrics.serve(7, "cafe")
    metrics.refused.set(1)
    lines = metrics.text().decode().splitlines()
    assert 'lapwing_predictions_total{status="200"} 1.0' in lines
    assert 'lapwing_predictions_total{status="415"} 2.0' in lines
    assert 'lapwing_prediction_seconds_bucket{le="0.0015"} 0.0' in lines
    assert 'lapwing_prediction_seconds_bucket{le="0.002"} 1.0' in lines
    assert 'lapwing_stage_seconds_bucket{le="0.0005",stage="infer"} 0.0' in lines
    assert 'lapwing_stage_seconds_bucket{le="0.001",stage="infer"} 1.0' in lines
    assert "lapwing_model_version 7.0" in lines
    models = [line for line in lines if line.startswith("lapwing_model_info{")]
    assert models == ['lapwing_model_info{sha256="cafe",version="7"} 1.0']
    assert "lapwing_model_versions_refused 1.0" in lines


def test_two_services_count_separately() -> None:
    first, second = InferenceMetrics(), InferenceMetrics()
    first.version.set(7)
    assert "lapwing_model_version 0.0" in second.text().decode().splitlines()


def test_a_histogram_is_as_one_of_prometheus() -> None:
    """Values on a bound, below and above all bounds, and a label with no value yet."""
    bounds, values = (0.001, 0.25, 3.0), (0.0005, 0.001, 0.2, 0.25, 0.3, 3.0, 3.5, 17.0)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    collector = HistogramCollector("taken", "Time", bounds, ours, "stage")
    reference = Histogram("taken", "Time", ["stage"], buckets=bounds, registry=theirs)
    for stage in ("decode", "infer"):
        series, counted = collector.series(stage), reference.labels(stage)
        for value in values if stage == "decode" else ():
            series.observe(value)
            counted.observe(value)
    created = re.compile(rb"(taken_created\{.*\}) .*")
    expected = created.sub(rb"\1", generate_latest(theirs))
    assert created.sub(rb"\1", generate_latest(ours)) == expected
    assert b'taken_bucket{le="3.0",stage="decode"} 6.0' in expected
