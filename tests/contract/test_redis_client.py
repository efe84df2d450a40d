from pathlib import Path

import pytest
from redis import Redis

from contract.errors import SettingError
from contract.redis_client import make_client


def test_the_client_answers_with_the_password_of_the_file(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    redis.acl_setuser("default", enabled=True, passwords=["+s3cret"])
    try:
        with make_client(f"unix://{redis_socket}", str(file)) as client:
            assert client.ping()
    finally:
        redis.acl_setuser("default", enabled=True, nopass=True)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@host:99999",
        "redis://:s3cret@host?foo=1",
        "redis://:s3cret@host?socket_timeout=abc",
        ":s3cret@host:6379",
    ],
)
def test_a_bad_address_is_one_line_with_its_setting_and_without_its_password(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        make_client(url, "")
    message = str(caught.value)
    assert message.startswith("LAPWING_REDIS_URL has a value it cannot take: got ")
    assert "s3cret" not in message
    assert "\n" not in message
    assert caught.value.__cause__ is None


def test_a_missing_file_names_its_setting() -> None:
    with pytest.raises(SettingError) as caught:
        make_client("redis://host", "/nowhere/password")
    assert str(caught.value).startswith(
        "LAPWING_REDIS_PASSWORD_FILE has a value it cannot take: got '/nowhere/password' "
        "(No such file or directory). It takes the path of a file"
    )
