"""Certificates of the tests' own."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """An authority that signs what it is asked to, for itself at first."""

    def __init__(self, name: str) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, from_days: int, until_days: int) -> x509.Certificate:
        """A certificate of a name, valid from and until so many days from now."""
        now = dt.datetime.now(dt.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=from_days))
            .not_valid_after(now + dt.timedelta(days=until_days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=subject == self.name, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def write_own(self, path: Path) -> None:
        """Write what whoever trusts it trusts."""
        own = self.sign(self.name.rfc4514_string().removeprefix("CN="), self.key, from_days=-60, until_days=60)
        path.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def write(self, folder: Path, name: str, *, from_days: int, until_days: int) -> None:
        """Write cert.pem and key.pem of a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, self.sign(name, key, from_days=from_days, until_days=until_days), key)


def write_certificate(folder: Path, name: str, *, from_days: int, until_days: int) -> None:
    """Write cert.pem and key.pem, its own authority, valid from and until so many days from now."""
    own = Authority(name)
    _write(folder, own.sign(name, own.key, from_days=from_days, until_days=until_days), own.key)


def _write(folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
