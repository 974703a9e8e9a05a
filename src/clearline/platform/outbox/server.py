"""The mail server that the settings name. It knows nothing of the database, since the settings are read before that."""

import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 15.0
"""For each answer of the mail server."""

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""Scheme of the mail server's URL → its usual port. `smtp` is clear text: for a relay on the same machine."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and as whom."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """Read `scheme://[user:password@]host[:port]`.

        Raises:
            ValueError: it is none of the schemes, names no host, or would send a password in clear text.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError(
                "write it as smtp://host, smtp+starttls://user:password@host or smtps://user:password@host"
            )
        if parts.username and parts.scheme == "smtp":
            raise ValueError("a password is not sent in clear text: write smtp+starttls:// or smtps://")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], user, password)

    def connect(self) -> smtplib.SMTP:
        """A connection, encrypted and signed in as the URL says; certificates are checked."""
        if self.scheme == "smtps":
            context = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        else:
            smtp = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.scheme == "smtp+starttls":
                smtp.starttls(context=ssl.create_default_context())
            if self.user:
                smtp.login(self.user, self.password)
        except BaseException:
            smtp.close()
            raise
        return smtp
