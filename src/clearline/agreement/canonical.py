"""One document, one digest: SHA-256 of the canonical JSON (RFC 8785)."""

import hashlib
from typing import Any

import rfc8785


def digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a document's canonical JSON, in hexadecimal.

    The order of keys, white space, comments and the difference between YAML and JSON do not change it.
    """
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
