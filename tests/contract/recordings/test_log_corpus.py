"""Logs and archives of every form: what is read is what was written, or it is refused in words."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.data import log_corpus, log_forms

from contract.errors import RecordingError
from contract.recordings import driving_log

Outcomes = Counter[tuple[str, str]]


@pytest.fixture(scope="module")
def logs() -> Outcomes:
    return log_corpus.table()


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return log_corpus.archive_table(tmp_path_factory.mktemp("archives"))


def outcomes_of(table: Outcomes, kind: str) -> set[str]:
    return {outcome for one, outcome in table if one == kind}


def test_no_log_of_the_corpus_is_read_wrongly(logs: Outcomes) -> None:
    assert sum(logs.values()) == 500
    assert [key for key in logs if key[1].startswith("WRONG")] == []


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("sound", "every row read"),
        ("two forms, each with its header", "every row read"),
        ("zero bytes at the end", "every row read"),
        ("degrees, not told", "refused as a whole"),
        ("no title for the brake", "refused as a whole"),
        ("two titles for the steering", "refused as a whole"),
        ("speed in another unit", "refused as a whole"),
        ("steering in another unit", "refused as a whole"),
        ("titles in another language", "refused as a whole"),
        ("unknown separator", "refused as a whole"),
    ],
)
def test_a_kind_of_log_has_one_outcome(logs: Outcomes, kind: str, outcome: str) -> None:
    assert outcomes_of(logs, kind) == {outcome}


def test_no_archive_of_the_corpus_gives_a_row_the_image_of_another(archives: Outcomes) -> None:
    assert sum(archives.values()) == 100
    assert [key for key in archives if key[1].startswith("WRONG")] == []


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("one name in two folders", "every row read"),
        ("one name in two folders, one of them packed", "every row refused"),
        ("a folder for each camera", "every row read"),
        ("several recordings, with equal names", "every row read"),
        ("cut off", "refused as a whole"),
    ],
)
def test_a_kind_of_archive_has_one_outcome(archives: Outcomes, kind: str, outcome: str) -> None:
    assert outcomes_of(archives, kind) == {outcome}


@given(st.randoms(use_true_random=False))
def test_whatever_the_form_the_values_are_those_written(rng: random.Random) -> None:
    form = log_forms.random_form(rng)
    values = [log_forms.numbers(rng) for _ in range(rng.randint(2, 12))]
    written = log_forms.write(form, values)
    case = log_corpus.Case("any", written, whole=not form.split_by_comma)
    assert not log_corpus.judge(case).startswith("WRONG"), (form, written.raw)


@given(st.randoms(use_true_random=False), st.binary(max_size=80))
def test_whatever_follows_a_log_no_row_before_it_changes(rng: random.Random, tail: bytes) -> None:
    form = log_forms.random_form(rng)
    form = replace(form, encoding="utf-8", line_end="\n")
    written = log_forms.write(form, [log_forms.numbers(rng) for _ in range(8)])
    last = max(written.rows)
    written.raw += b"\n" + tail
    try:
        log = driving_log.read(written.raw)
    except RecordingError:
        return
    for row in log.rows:
        if row.line <= last:
            assert row.images == written.rows[row.line][0]
            values = (row.steering, row.throttle, row.brake, row.speed_mph)
            assert values == pytest.approx(written.rows[row.line][1], abs=1e-12)
