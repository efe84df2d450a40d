from ingest.doctor.finding import counted, spans


def test_lines_are_written_as_people_write_them() -> None:
    assert spans([4]) == "4"
    assert spans([3, 4, 5, 9, 12, 13]) == "3-5, 9, 12-13"


def test_of_many_the_first_are_written_and_all_are_counted() -> None:
    assert spans([1, 3, 5, 7, 9, 11, 12, 20]) == "1, 3, 5, 7, 9 and 3 more"


def test_the_commonest_comes_first() -> None:
    assert counted(["a", "b", "b"]) == "2 times b, once a"
