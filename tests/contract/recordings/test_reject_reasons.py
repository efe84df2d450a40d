from contract.recordings.reject_reasons import describe


def rejection(line: int, field: str, reason: str, got: str = "") -> dict[str, object]:
    return {"line": line, "field": field, "reason": reason, "got": got}


def test_the_three_commonest_reasons_are_told_with_an_example_each() -> None:
    report = {
        "reasons": {"left: gone": 7, "speed: no": 2, "line: zero bytes": 1, "brake: no": 1},
        "rejections": [
            rejection(3, "left", "gone", "l.jpg"),
            rejection(4, "left", "gone", "m.jpg"),
            rejection(9, "line", "zero bytes"),
        ],
    }
    assert describe(report) == [
        "left: gone, 7 rows, such as line 3 (l.jpg)",
        "speed: no, 2 rows",
        "line: zero bytes, 1 row, such as line 9",
        "other reasons, 1 row",
    ]


def test_where_there_are_three_reasons_there_are_no_others() -> None:
    reasons = {"left: gone": 7, "speed: no": 2, "brake: no": 1}
    told = [f"{reason}, {count} row{'s' * (count > 1)}" for reason, count in reasons.items()]
    assert describe({"reasons": reasons, "rejections": []}) == told
    more = {**reasons, "throttle: no": 1, "line: zero bytes": 1}
    assert describe({"reasons": more, "rejections": []}) == [*told, "other reasons, 2 rows"]


def test_nothing_is_told_without_a_rejection() -> None:
    assert describe({"reasons": {}, "rejections": []}) == []
