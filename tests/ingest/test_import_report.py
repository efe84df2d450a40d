from contract.recordings.driving_log import Rejection
from ingest.import_report import build_report, reject_share


def test_all_rejections_are_counted_and_the_first_hundred_listed() -> None:
    rejections = [Rejection(line, "left", "image is missing") for line in range(150, 0, -1)]
    document = build_report(
        50, [*rejections, Rejection(7, "speed", "not a number", "x")], ["a note"]
    )
    assert (document["read"], document["accepted"], document["rejected"]) == (201, 50, 151)
    assert document["reasons"] == {"left: image is missing": 150, "speed: not a number": 1}
    listed = document["rejections"]
    assert isinstance(listed, list)
    assert [rejection["line"] for rejection in listed[:3]] == [1, 2, 3]
    assert len(listed) == 100
    assert document["notes"] == ["a note"]
    assert reject_share(document) == 151 / 201


def test_the_reject_share_of_an_empty_recording_is_0() -> None:
    assert reject_share(build_report(0, [], [])) == 0


def test_each_reason_has_an_example_among_the_listed_ones() -> None:
    rejections = [Rejection(line, "left", "image is missing", "l.jpg") for line in range(1, 300)]
    rare = Rejection(500, "speed", "not a number", "fast")
    document = build_report(9, [*rejections, rare], [])
    listed = document["rejections"]
    assert isinstance(listed, list)
    assert len(listed) == 100
    assert (listed[0]["line"], listed[-1]["line"]) == (1, 500)
