from ingest.doctor.finding import format_count, format_counts, format_lines


def test_successive_lines_are_written_as_ranges() -> None:
    assert format_lines([4]) == "line 4"
    assert format_lines([3, 4, 5, 9, 12, 13]) == "lines 3-5, 9, 12-13"


def test_of_many_lines_the_first_are_written_and_the_rest_is_a_number() -> None:
    assert format_lines([1, 3, 5, 7, 9, 11, 12, 20]) == "lines 1, 3, 5, 7, 9 and 3 more"


def test_the_most_frequent_phrase_comes_first() -> None:
    assert format_counts(["a", "b", "b"]) == "2 times b, once a"


def test_a_noun_agrees_with_its_number() -> None:
    assert format_count(1, "row") == "1 row"
    assert format_count(1200, "row") == "1,200 rows"
