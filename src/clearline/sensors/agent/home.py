"""What an agent keeps on its disk beside its samples: who it is, whom it believes, what it probes."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearline.sensors.agent.clock import Relation
from clearline.sensors.agent.wire import read_target
from clearline.sensors.probe.target import Target

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Names one run of the machine's steady clock (Linux)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the agent is, and the one platform it believes."""

    url: str
    seed: str
    """Of its private key, in hexadecimal; it never leaves the machine."""
    platform: str
    """The platform's public key."""
    vantage: str | None = None
    """Its name in the records; None while the platform has not confirmed the enrolment."""
    ca_file: str | None = None
    """Certificates to trust instead of the system's."""

    @property
    def key(self) -> Ed25519PrivateKey:
        """The private key."""
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.seed))


@dataclass(frozen=True, slots=True)
class Told:
    """What the platform told last, for a start while it cannot be reached."""

    targets: Sequence[Target]
    relation: Relation | None
    """None after the machine was started anew: its steady clock began again."""


class Home:
    """The agent's directory, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        """Use a directory; it is made when something is first written."""
        self.path = path

    def identity(self) -> Identity | None:
        """Who the agent is; None before it is enrolled."""
        found = self._read("identity.json")
        return Identity(**found) if found else None

    def keep_identity(self, identity: Identity) -> None:
        """Write who the agent is, durably."""
        self._write("identity.json", asdict(identity))

    def told(self) -> Told:
        """What the platform told last."""
        found = self._read("told.json") or {"targets": [], "relation": None, "boot": ""}
        same_boot = found["relation"] is not None and found["boot"] == _boot()
        targets = [read_target(target) for target in found["targets"]]
        return Told(targets, Relation(**found["relation"]) if same_boot else None)

    def keep_told(self, told: Told) -> None:
        """Write what the platform told."""
        self._write("told.json", asdict(told) | {"boot": _boot()})

    @property
    def buffer(self) -> Path:
        """The file of the samples that wait."""
        return self.path / "samples.sqlite3"

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None
        return found

    def _write(self, name: str, said: dict[str, Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = self.path / f"{name}.new"
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(self.path / name)


def _boot() -> str:
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
