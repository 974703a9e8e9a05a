"""Alerts by telephone: spoken to a real user agent (SIPp), acknowledged by a key, tried again, given up."""

import math
import os
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from platform_kit import NOW

from clearline.platform.accounts.models import Provider
from clearline.platform.alerts import services
from clearline.platform.alerts.models import Alert, Responder
from clearline.platform.outbox import calls
from clearline.platform.outbox.models import CallAccount, Channel, Delivery
from clearline.platform.outbox.outcome import Outcome, Result
from clearline.platform.outbox.sending import send_due
from clearline.sensors.probe import spoken

MINUTE = timedelta(minutes=1)

MISSING = [
    package for program, package in (("sipp", "sip-tester"), ("espeak-ng", "espeak-ng")) if not shutil.which(program)
]
needs_peers = pytest.mark.skipif(bool(MISSING), reason=f"not installed: Debian packages {MISSING}")

RECEIVE = """<recv request="INVITE" crlf="true"/>
<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

{body}]]></send>
<recv request="ACK"/>
"""

SDP = """v=0
o=phone 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 0 96
a=rtpmap:0 PCMU/8000
a=rtpmap:96 telephone-event/8000
"""

PRESSED = """<nop><action><exec play_dtmf="1"/></action></nop>
"""

SAID = """<pause milliseconds="300"/>
<send><![CDATA[
INFO sip:alarm@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:100@[local_ip]>;tag=[call_number]
[last_From:]
[last_Call-ID:]
CSeq: 1 INFO
Max-Forwards: 70
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal=1
Duration=160
]]></send>
<recv response="200"/>
"""

HUNG_UP = """<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


def open_alert(provider: Provider) -> Alert:
    return Alert.objects.create(
        provider=provider, kind="outage", subject="O-1", title="Hosted voice is down", text="no answer within 4 s",
        began_at=NOW, opened_at=NOW,
    )  # fmt: skip


def on_call(provider: Provider, address: str = "100", **more: object) -> Responder:
    return Responder.objects.create(
        provider=provider, name="Dana", channel=Channel.CALL, address=address, added_at=NOW, **more
    )


def account_at(provider: Provider, port: int) -> None:
    CallAccount.objects.create(provider=provider, server=f"sip:127.0.0.1:{port}", user="alarm")


@pytest.fixture
def telephone(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Start a telephone that does what a scenario says; returns its port."""
    with ExitStack() as stack:

        def start(scenario: str) -> int:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
                taken.bind(("127.0.0.1", 0))
                port = taken.getsockname()[1]
            (tmp_path / "phone.xml").write_text(f'<?xml version="1.0"?><scenario name="phone">{scenario}</scenario>')
            command = ["sipp", "-sf", "phone.xml", "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-nostdin"]
            phone = stack.enter_context(
                subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(phone.kill)
            until = time.monotonic() + 30
            while f":{port:04X}" not in Path("/proc/net/udp").read_text():
                assert phone.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            return port

        yield start


def call(provider: Provider, alert: Alert, now: datetime = NOW) -> Delivery:
    for responder in Responder.objects.filter(provider=provider):
        services.tell(alert, responder, "chain", now)
    send_due(Channel.CALL, lambda: now)
    return Delivery.objects.get()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pressing",
    [
        pytest.param(PRESSED, marks=pytest.mark.skipif(os.geteuid() != 0, reason="SIPp sends keys as root only")),
        SAID,
    ],
    ids=["as an event of RTP", "as an INFO request"],
)
@pytest.mark.peer
@needs_peers
def test_who_is_called_hears_the_alert_and_acknowledges_it_by_a_key(
    pressing: str, provider: Provider, telephone: Callable[[str], int]
) -> None:
    account_at(provider, telephone(RECEIVE.format(status="200 OK", body=SDP) + pressing + HUNG_UP))
    alert = open_alert(provider)
    on_call(provider)
    delivery = call(provider, alert)
    assert (delivery.state, delivery.answer) == (Delivery.State.ACCEPTED, "1")
    assert delivery.said.startswith("answered, spoken to for")
    assert delivery.said.endswith("pressed 1")
    services.heed_keys(provider, NOW + MINUTE)
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.acknowledged_at) == ("Dana (by telephone)", NOW + MINUTE)


@pytest.mark.django_db
@pytest.mark.peer
@needs_peers
def test_who_is_busy_is_called_again_twice(provider: Provider, telephone: Callable[[str], int]) -> None:
    account_at(provider, telephone(RECEIVE.format(status="486 Busy Here", body="")))
    on_call(provider)
    delivery = call(provider, open_alert(provider))
    assert (delivery.state, delivery.attempts, delivery.due_at) == (Delivery.State.QUEUED, 1, NOW + MINUTE)
    assert "486" in delivery.said
    assert "it is busy" in delivery.said


@pytest.mark.django_db
def test_without_a_key_a_call_is_given_up_after_the_third(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "ring", lambda _: Outcome(Result.LATER, "not answered"))
    on_call(provider)
    for minutes in (0, 1, 3, 4):
        delivery = call(provider, open_alert(provider) if minutes == 0 else Alert.objects.get(), NOW + minutes * MINUTE)
    assert (delivery.state, delivery.attempts) == (Delivery.State.FAILED, 3)


@pytest.mark.django_db
def test_nobody_is_called_about_what_somebody_looks_after_or_what_is_over(provider: Provider) -> None:
    alert = open_alert(provider)
    responder = on_call(provider)
    services.tell(alert, responder, "chain", NOW)
    services.acknowledge(alert, "Erin", None, NOW + MINUTE)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.said) == ("failed", "Not called: Erin looks after it.")
    alert.refresh_from_db()
    services.tell(alert, responder, "15", NOW + 15 * MINUTE)
    services.resolve(alert, NOW + 16 * MINUTE)
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_what_is_spoken_names_the_alert_its_clock_and_the_key(provider: Provider) -> None:
    text = services.spoken(open_alert(provider))
    assert text.splitlines() == [
        "This is Clearline, calling for Northwind Telecom.",
        "Hosted voice is down.",
        "It began at 12 00, U T C.",
        "The promise is to restore service by 13 00.",
        "no answer within 4 s",
        "Press 1 to say that you look after it.",
    ]


@pytest.mark.django_db
def test_what_keeps_a_call_from_being_made_is_said(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = open_alert(provider)
    on_call(provider)
    assert call(provider, alert).said.startswith("No telephone account is set")
    account_at(provider, 9)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = call(provider, alert, NOW + MINUTE).said
    assert said == "espeak-ng is not installed on this machine: apt-get install espeak-ng"


@pytest.mark.parametrize("recipient", ["+4930123456", "100", "*55#"])
def test_a_number_is_called_at_the_accounts_server(recipient: str) -> None:
    server = "sip:pbx.example.com:5061;transport=tls"
    assert calls.address_of(recipient, server) == f"sip:{recipient}@pbx.example.com:5061;transport=tls"
    assert calls.address_of("sip:dana@example.org", server) == "sip:dana@example.org"


@pytest.mark.django_db
def test_the_account_is_kept_sealed_and_its_form_says_what_is_wrong(page: Client, provider: Provider) -> None:
    wrong = page.post("/alerts/telephone/", {"server": "sip:dana@pbx.example.com", "user": "alarm"})
    assert (wrong.status_code, "the user has a field of its own" in wrong.content.decode()) == (422, True)
    form = {"name": "Dana", "channel": "call", "address": "100", "after_minutes": 0}
    first = page.post("/alerts/on-call/add/", form)
    assert "Name the account that calls are made from first" in first.content.decode()
    page.post("/alerts/telephone/", {"server": "pbx.example.com", "user": "alarm", "password": "secret"})
    kept = CallAccount.objects.get()
    assert (kept.server, "secret" in kept.sealed_password) == ("sip:pbx.example.com", False)
    page.post("/alerts/telephone/", {"server": "pbx2.example.com", "user": "alarm", "password": ""})
    assert CallAccount.objects.get().sealed_password == kept.sealed_password
    assert "Write a number" in page.post("/alerts/on-call/add/", form | {"address": "a b"}).content.decode()
    page.post("/alerts/on-call/add/", form)
    assert Responder.objects.get().channel == Channel.CALL
    secured = {"server": "pbx2.example.com", "user": "alarm", "registers": "on", "encrypts": "on"}
    assert "told in the clear" in page.post("/alerts/telephone/", secured).content.decode()
    page.post("/alerts/telephone/", secured | {"server": "sip:pbx2.example.com;transport=tls"})
    kept = CallAccount.objects.get()
    assert (kept.registers, kept.encrypts) == (True, True)
    page.post("/alerts/telephone/remove/")
    assert not CallAccount.objects.exists()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (Debian package)")
def test_a_text_becomes_speech_that_a_call_can_say(tmp_path: Path) -> None:
    length_s = spoken.speak("Hosted voice is down.", tmp_path / "speech.wav")
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert file.getnframes() == round(length_s * 8000)
        frames = file.readframes(file.getnframes())
    loudest = max(abs(int.from_bytes(frames[at : at + 2], "little", signed=True)) for at in range(0, len(frames), 2))
    assert loudest > 3000
    assert length_s > 1


def test_resampling_keeps_a_tone_of_speech_and_takes_away_what_would_alias() -> None:
    def level(hertz: int) -> float:
        tone = [round(10_000 * math.sin(2 * math.pi * hertz * n / 22_050)) for n in range(22_050)]
        heard = spoken.resampled(tone, 22_050)
        assert len(heard) == 8000
        return math.sqrt(sum(each * each for each in heard) / len(heard)) / (10_000 / math.sqrt(2))

    assert level(400) > 0.95
    assert level(8000) < 0.2
