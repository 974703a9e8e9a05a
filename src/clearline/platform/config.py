"""Every setting of the platform, typed, with its default and its meaning. `docs/settings.md` has a heading for each."""

import contextlib
import ipaddress
import os
import secrets
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clearline.platform.outbox.server import MailServer

CHECKOUT = Path(__file__).resolve().parents[3]
"""Where the source lies; the default data directory is `var` in it."""

SECRET_KEY_BYTES = 48


class Settings(BaseSettings):
    """The platform's settings, read from the environment variables `CLEARLINE_…`."""

    model_config = SettingsConfigDict(env_prefix="CLEARLINE_", frozen=True, env_ignore_empty=True)

    data: Path = Field(CHECKOUT / "var", description="the directory that holds everything the platform keeps")
    listen: str = Field("127.0.0.1:8080", description="the address and port the web process binds")
    url: str | None = Field(None, description="the address people type, where it differs from `listen`")
    trusted_proxies: str = Field("", description="networks of reverse proxies that say who asks, separated by spaces")
    database: SecretStr | None = Field(None, description="postgresql://user:password@host:port/name; else SQLite")
    records_manifest: SecretStr | None = Field(None, description="postgresql://… for the list of files; else SQLite")
    records_engine: str = Field(
        "duckdb",
        pattern=r"^(duckdb|chdb|spark://[^/:]+:\d+)$",
        description="what answers: duckdb, chdb, spark://host:port",
    )
    secret_key: SecretStr | None = Field(None, description="signs sessions; else made once in the data directory")
    reflector: str | None = Field(None, description="SIP URI of the built-in reflector that `up` starts")
    targets: str = Field("", description="SIP URIs of first targets of your own, separated by spaces")
    probe_interval_seconds: int = Field(15, ge=1, le=3600, description="time between two probes of one target")
    probe_timeout_seconds: int = Field(4, ge=1, le=32, description="time after which an unanswered probe has failed")
    upload_limit_mb: int = Field(1024, ge=1, description="the largest capture file accepted, in MiB")
    job_lease_seconds: int = Field(60, ge=1, description="time after which the work of a dead worker is taken over")
    smtp_url: SecretStr | None = Field(None, description="where e-mail is handed over; without it none leaves")
    mail_from: str = Field("Clearline <clearline@localhost>", description="the sender of e-mails")
    webhook_private: bool = Field(False, description="send webhooks to addresses inside your own network too")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="the least level logged")

    @field_validator("listen")
    @classmethod
    def _has_a_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("write it as address:port, such as 127.0.0.1:8080")
        return value

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("write it as https://host or https://host:port, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for each in value.split():
            ipaddress.ip_network(each)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            MailServer.of(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        local, at, domain = parseaddr(value)[1].rpartition("@")
        if not (local and at and domain) or not value.isprintable():
            raise ValueError("write it as Name <name@host>")
        return value

    @field_validator("database", "records_manifest")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("postgresql://"):
            raise ValueError("write it as postgresql://user:password@host:port/name")
        return value

    @cached_property
    def origin(self) -> str:
        """The address people type, without a slash at the end: `url`, else made from `listen`."""
        return self.url or f"http://{self.listen.replace('0.0.0.0', 'localhost')}"  # noqa: S104  # replaced, not bound

    @property
    def proxies(self) -> "tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]":
        """The networks whose word about who asks is believed."""
        return tuple(ipaddress.ip_network(each) for each in self.trusted_proxies.split())

    @property
    def sqlite(self) -> Path:
        """The SQLite database file."""
        return self.data / "clearline.sqlite3"

    @property
    def records(self) -> Path:
        """The directory of measurements, owned by `clearline.records`."""
        return self.data / "records"

    @property
    def manifest_url(self) -> str | None:
        """Where the manifest of the measurements is, if not beside them."""
        return self.records_manifest.get_secret_value() if self.records_manifest else None

    @property
    def engine_url(self) -> str | None:
        """The engine that answers questions about measurements, if it is not DuckDB."""
        return None if self.records_engine == "duckdb" else self.records_engine

    @property
    def uploads(self) -> Path:
        """The directory of uploaded captures."""
        return self.data / "uploads"

    @property
    def static(self) -> Path:
        """Where `setup` gathers the static files with hashed names."""
        return self.data / "static"

    @property
    def secret_key_file(self) -> Path:
        """The file, readable by its owner only, that holds the generated secret key."""
        return self.data / "secret-key"

    def read_secret_key(self) -> str:
        """The key that signs sessions.

        Before `setup` has made the file there is no session to sign: a key of this process alone serves.
        """
        if self.secret_key:
            return self.secret_key.get_secret_value()
        try:
            return self.secret_key_file.read_text("ascii")
        except FileNotFoundError:
            return secrets.token_urlsafe(SECRET_KEY_BYTES)

    def make_secret_key(self) -> None:
        """Write a new secret key (mode 0600) unless there is one; complete or not at all."""
        if not self.secret_key:
            _write_once(self.secret_key_file, secrets.token_urlsafe(SECRET_KEY_BYTES))

    def vantage_key(self) -> str:
        """The Ed25519 private key, in hexadecimal, that answers to agents are signed with; made at its first use.

        It is not the secret key: whoever changes that one would cut every agent off.
        """
        file = self.data / "vantage-key"
        _write_once(file, secrets.token_hex(32))
        return file.read_text("ascii")


def _write_once(path: Path, text: str) -> None:
    """Write a file readable by its owner only, unless it is there: whole or not at all, and the first one stays."""
    if path.exists():
        return
    scratch = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(scratch, path)
    scratch.unlink()
