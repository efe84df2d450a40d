from contract.recordings.driving_log import Rejection
from ingest.import_report import report, share


def test_all_are_counted_and_the_first_hundred_listed_by_line() -> None:
    rejections = [Rejection(line, "left", "image is missing") for line in range(150, 0, -1)]
    document = report(50, [*rejections, Rejection(7, "speed", "not a number", "x")], ["a note"])
    assert (document["read"], document["accepted"], document["rejected"]) == (201, 50, 151)
    assert document["reasons"] == {"left: image is missing": 150, "speed: not a number": 1}
    listed = document["rejections"]
    assert isinstance(listed, list)
    assert [each["line"] for each in listed[:3]] == [1, 2, 3]
    assert len(listed) == 100
    assert document["notes"] == ["a note"]
    assert share(document) == 151 / 201


def test_an_empty_recording_has_no_bad_share() -> None:
    assert share(report(0, [], [])) == 0
