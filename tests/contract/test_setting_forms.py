"""Tests of the forms that settings have; hostile texts end in a ValueError or an OSError."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis

from contract import setting_forms as forms
from contract.setting_forms import Form, format_value, mask, read_password, read_size

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://:s3cret@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://lapwing:s3cret@host", "redis://:***@host"),
        ("redis://:s3/cr@et@host", "redis://:***@host"),
        ("redis://:s3 cret@host", "redis://:***@host"),
        ("redis://:s3\ncret@host", "redis://:***@host"),
        (":s3cret@host:6379", ":***@host:6379"),
        ("redis://:s3cret", "redis://:***"),
        ("redis://host/0?password=s3cret&db=1", "redis://host/0?password=***&db=1"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix://:s3cret@/run/redis.sock?db=1", "unix://:***@/run/redis.sock?db=1"),
    ],
)
def test_a_password_in_an_address_is_never_shown(address: str, shown: str) -> None:
    assert mask(address) == shown


@pytest.mark.parametrize("password", ["plain", "a/b", "a@b", "a:b?c#d", "100%", "ä€"])
def test_what_the_library_takes_for_the_password_is_masked(password: str) -> None:
    url = f"redis://:{quote(password, safe='')}@host:6379/0"
    assert forms.REDIS_URL.read(url) == url
    assert Redis.from_url(url).connection_pool.connection_kwargs["password"] == password
    assert quote(password, safe="") not in mask(url)


def test_a_long_value_is_shown_in_part() -> None:
    assert format_value("9" * 5000) == f"{'9' * 120!r} and 4,880 more characters"


GOOD = [
    (forms.REDIS_URL, "redis://127.0.0.1:6379/0"),
    (forms.REDIS_URL, "rediss://user:p@redis.example.org"),
    (forms.REDIS_URL, "redis://[::1]:6379"),
    (forms.REDIS_URL, "unix:///run/redis.sock"),
    (forms.INFERENCE_URL, "http://inference:8000"),
    (forms.INFERENCE_URL, "https://car.example.org/steer/"),
    (forms.BRIDGE_URL, "ws://127.0.0.1:4567"),
    (forms.HOST, "0.0.0.0"),
    (forms.HOST, "::1"),
    (forms.HOST, "driver-bridge"),
    (forms.TOKEN, "abc-._~+/="),
    (forms.MEMORY, "512m"),
    (forms.FOLDER, "/nowhere/yet"),
]
BAD = [
    *[
        (form, text)
        for form in (forms.REDIS_URL, forms.INFERENCE_URL, forms.BRIDGE_URL)
        for text in (
            "localhost:6379",
            "//localhost",
            "://",
            "ftp://h",
            "nan",
            "redis://",
            "http://",
            "ws://",
            "http://h:99999",
            "redis://h:99999",
            "ws://h:99999",
            "http://h:abc",
            "http://h:0",
            "redis://[::1",
            "redis://a..b",
            f"http://{'a' * 70}",
            "http://256.1.1.1",
            "http://h ost",
            "http://h\n",
            "ws://h?x=1",
        )
    ],
    (forms.REDIS_URL, "redis://h/abc"),
    (forms.REDIS_URL, "unix://"),
    (forms.REDIS_URL, "unix:///"),
    (forms.INFERENCE_URL, f"http://:{SECRET}@h"),
    (forms.INFERENCE_URL, "http://h/?query"),
    (forms.INFERENCE_URL, "http://h/#fragment"),
    (forms.HOST, "http://h"),
    (forms.HOST, "h:80"),
    (forms.HOST, "[::1]"),
    (forms.HOST, "a b"),
    (forms.HOST, "127.0.0"),
    (forms.TOKEN, "a b"),
    (forms.TOKEN, "a\nb"),
    (forms.TOKEN, "tökén"),
    (forms.TOKEN, "\udcff"),
    (forms.MEMORY, "1.5g"),
    (forms.MEMORY, "-1"),
    (forms.MEMORY, "nan"),
    (forms.MEMORY, "9" * 5000),
    (forms.FOLDER, "/dev/null"),
    (forms.FOLDER, "/dev/null/x"),
    (forms.FOLDER, "~no-such-user/x"),
    (forms.FOLDER, "x" * 300),
    (forms.PASSWORD_FILE, "/nowhere/password"),
    (forms.PASSWORD_FILE, "/dev/zero"),
    (forms.PASSWORD_FILE, "/dev"),
    (forms.PASSWORD_FILE, "x" * 300),
]


@pytest.mark.parametrize(("form", "text"), GOOD)
def test_what_a_form_takes(form: Form, text: str) -> None:
    assert form.read(text) == text


@pytest.mark.parametrize(("form", "text"), BAD)
def test_what_a_form_refuses(form: Form, text: str) -> None:
    with pytest.raises((ValueError, OSError)) as caught:
        form.read(text)
    assert SECRET not in str(caught.value)


def test_a_password_is_read_without_white_space(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f" {SECRET}\n")
    assert read_password(str(tmp_path / "password")) == SECRET
    assert read_password("") == ""
    (tmp_path / "password").write_bytes(b"x" * 4096)
    assert read_password(str(tmp_path / "password")) == "x" * 4096


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"\xff", "UTF-8"), (b"x" * 4097, "4,096 bytes")]
)
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_password(str(tmp_path / "password"))


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="no regular file"):
        read_password(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("7b", 7), ("2k", 2_048), ("512M", 536_870_912), ("4g", 4_294_967_296)],
)
def test_sizes_are_those_of_docker(text: str, count: int) -> None:
    assert read_size(text) == count
