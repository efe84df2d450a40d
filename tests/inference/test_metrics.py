from inference.metrics import InferenceMetrics


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
