import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pydantic import ValidationError

from clearline.platform.config import CHECKOUT, Settings


def test_every_setting_has_a_heading() -> None:
    headings = {
        line.strip("# `") for line in (CHECKOUT / "docs/settings.md").read_text().splitlines() if line[:2] == "##"
    }
    assert headings == {f"CLEARLINE_{name.upper()}" for name in Settings.model_fields}


def test_a_secret_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert settings.read_secret_key() != settings.read_secret_key()
    assert not settings.secret_key_file.exists()
    settings.make_secret_key()
    key = settings.read_secret_key()
    settings.make_secret_key()
    assert settings.read_secret_key() == key
    assert len(key) >= 50
    assert stat.S_IMODE(settings.secret_key_file.stat().st_mode) == 0o600


def test_a_key_left_half_written_is_made_again(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.secret_key_file.with_suffix(".new").write_text("half")
    settings.make_secret_key()
    assert len(settings.read_secret_key()) >= 50


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "8080"),
        ("listen", "127.0.0.1:99999"),
        ("url", "example.com"),
        ("url", "https://a/b"),
        ("log_level", "x"),
        ("database", "mysql://a/b"),
        ("records_manifest", "a.sqlite3"),
        ("records_engine", "abacus"),
    ],
)
def test_a_wrong_setting_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: value})


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"listen": "0.0.0.0:80"}, "http://localhost:80"),
        ({"url": "https://sla.example/"}, "https://sla.example"),
    ],
)
def test_the_address_people_type(given: dict[str, str], origin: str) -> None:
    assert Settings.model_validate(given).origin == origin


def test_a_postgresql_address_is_taken_apart(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from clearline.platform.settings import DATABASES; print(DATABASES['default'])"],
        env=os.environ | {"CLEARLINE_DATABASE": "postgresql://cl%40r:s%2Fcret@db.example:5433/sla"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for part in ("'cl@r'", "'s/cret'", "'db.example'", "5433", "'sla'", "backends.postgresql"):
        assert part in shown


@pytest.mark.django_db
def test_a_commit_is_on_the_disk_before_it_is_acknowledged() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
