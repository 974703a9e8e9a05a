"""Calls: a text is spoken to somebody, who presses a key to say that it was heard."""

import asyncio
import re
import tempfile
from pathlib import Path

from clearline.platform.ciphers import cipher
from clearline.platform.outbox.models import CallAccount, Delivery
from clearline.platform.outbox.outcome import Outcome, Result
from clearline.sensors.probe.edge import probe_target
from clearline.sensors.probe.spoken import SpeechError, speak
from clearline.sensors.probe.target import Credentials, Target
from clearline.voice.wire import sip

KEY = "1"
"""Pressed by who looks after what is told."""

RING_US = 35_000_000
"""After so long unanswered a call is cancelled: before most mailboxes take it, which cannot press a key."""

TIMES = 3
"""So often the text is spoken."""

PURPOSE = b"call account"

NUMBER = re.compile(r"\+?[0-9*#]{2,32}")


def seal(password: str) -> str:
    """An account's password as it is stored."""
    return cipher(PURPOSE).encrypt(password.encode()).decode() if password else ""


def address_of(recipient: str, server: str) -> str:
    """The SIP address of a recipient: of a number, the one it has at the account's server.

    Raises:
        SipError: it is neither a number nor a SIP address.
    """
    if NUMBER.fullmatch(recipient):
        scheme, _, rest = server.partition(":")
        return f"{scheme}:{recipient}@{rest}"
    sip.uri(recipient)
    return recipient


def ring(delivery: Delivery) -> Outcome:
    """Call once: speak the text until the key is pressed, or it was spoken `TIMES` times."""
    account = CallAccount.objects.filter(provider=delivery.provider).first()
    if account is None:
        return Outcome(Result.LATER, "No telephone account is set: Alerts has a form for it.")
    password = cipher(PURPOSE).decrypt(account.sealed_password.encode()).decode() if account.sealed_password else ""
    with tempfile.TemporaryDirectory(prefix="clearline-call-") as folder:
        speech = Path(folder) / "speech.wav"
        try:
            uri = address_of(delivery.recipient, account.server)
            length_s = speak(delivery.body, speech)
        except sip.SipError as error:
            return Outcome(Result.BOUNCED, f"This cannot be called: {error}")
        except SpeechError as error:
            return Outcome(Result.LATER, str(error))
        call = Target(
            id=delivery.token,
            tenant=delivery.provider.tenant,
            uri=uri,
            kind="call",
            timeout_us=RING_US,
            credentials=Credentials(account.user, password),
            talk_us=int(length_s * TIMES * 1_000_000),
            speech_file=str(speech),
            awaited_key=KEY,
            registers=account.registers,
            encrypts=account.encrypts,
        )
        found = asyncio.run(probe_target(call))
    said = found.reason if found.ok or not found.advice else f"{found.reason}; {found.advice}"
    return Outcome(Result.ACCEPTED, said, KEY) if found.ok else Outcome(Result.LATER, said)
