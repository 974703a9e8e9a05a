"""Deliveries, against a real mail server and a real HTTP listener."""

import json
import socket
import ssl
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from django.test import Client
from django.utils import timezone
from listener_kit import Listener
from mail_kit import Inbox, MailServer
from platform_kit import NOW
from pydantic import SecretStr, ValidationError

from clearline.cli import notices
from clearline.platform.accounts.models import Provider
from clearline.platform.audit.models import Event
from clearline.platform.config import Settings
from clearline.platform.outbox import sending, webhooks
from clearline.platform.outbox.bounces import NotABounceError, take_bounce
from clearline.platform.outbox.models import Channel, Delivery
from clearline.platform.outbox.sending import RETRY_AFTER, send_due
from clearline.platform.outbox.services import send_email, send_webhook

pytestmark = pytest.mark.django_db

EMAIL, WEBHOOK = Channel.EMAIL, Channel.WEBHOOK
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def configured(settings: Any, **values: object) -> None:
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update=values)


def mail(provider: Provider, to: str = "it@acme.example", about: str = "M-1/0", **more: Any) -> Delivery:
    return send_email(provider, to, "Upgrade", "On Friday.\n", about=about, now=NOW, **more)


def send(channel: Channel = EMAIL, after: timedelta = timedelta(0)) -> int:
    return send_due(channel, lambda: NOW + after)


def test_an_accepted_mail_keeps_when_and_what_the_server_said(provider: Provider, inbox: Inbox) -> None:
    delivery = mail(provider, calendar=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", method="PUBLISH")
    assert send(after=timedelta(seconds=9)) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.done_at) == ("accepted", NOW + timedelta(seconds=9))
    assert delivery.said == "250 2.0.0 queued as 4F1"
    (message,) = inbox.messages()
    assert (message["From"], message["To"], message["Subject"]) == (
        "Northwind NOC <noc@nw.example>",
        "it@acme.example",
        "Upgrade",
    )
    assert message["Message-ID"] == f"<{delivery.token}@nw.example>"
    text, calendar = message.iter_parts()
    assert text.get_content() == "On Friday.\r\n"
    assert (calendar.get_content_type(), calendar.get_param("method")) == ("text/calendar", "PUBLISH")
    assert "List-Unsubscribe" not in message
    assert send(after=timedelta(hours=1)) == 0


def test_telling_the_same_thing_again_sends_nothing(provider: Provider, inbox: Inbox) -> None:
    assert mail(provider) == mail(provider)
    assert send() == 1
    assert send() == 0


def test_a_subscribers_mail_can_be_ended_by_one_click(provider: Provider, inbox: Inbox) -> None:
    mail(provider, unsubscribe_url="https://status.nw.example/u/1")
    send()
    (message,) = inbox.messages()
    assert message["List-Unsubscribe"] == "<https://status.nw.example/u/1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_refused_recipient_is_a_bounce_and_the_others_get_theirs(provider: Provider, inbox: Inbox) -> None:
    inbox.says["gone@acme.example"] = "550 5.1.1 no such user"
    gone, there = mail(provider, "gone@acme.example"), mail(provider)
    send()
    gone.refresh_from_db()
    there.refresh_from_db()
    assert (gone.state, gone.said) == ("bounced", "550 5.1.1 no such user")
    assert there.state == "accepted"


def test_a_refused_message_is_a_bounce(provider: Provider, inbox: Inbox) -> None:
    inbox.says_to_data = "554 5.7.1 looks like spam"
    delivery = mail(provider)
    send()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == ("bounced", "554 5.7.1 looks like spam")


def test_a_passing_refusal_is_tried_again_ever_later_and_given_up_in_the_end(provider: Provider, inbox: Inbox) -> None:
    inbox.says["it@acme.example"] = "451 4.7.1 greylisted"
    delivery = mail(provider)
    at = timedelta(0)
    for pause in RETRY_AFTER:
        assert send(after=at) == 1
        assert send(after=at + pause - timedelta(seconds=1)) == 0
        at += pause
    delivery.refresh_from_db()
    assert delivery.state == "queued"
    send(after=at)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said, delivery.attempts) == (
        "failed",
        "451 4.7.1 greylisted",
        len(RETRY_AFTER) + 1,
    )


def test_an_absent_mail_server_is_waited_for(provider: Provider, settings: Any) -> None:
    delivery = mail(provider)
    send()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == ("queued", "No mail server is set: CLEARLINE_SMTP_URL names one.")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        configured(settings, smtp_url=SecretStr(f"smtp://127.0.0.1:{closed.getsockname()[1]}"))
        send(after=RETRY_AFTER[0])
    delivery.refresh_from_db()
    assert delivery.state == "queued"
    assert "refused" in delivery.said


def test_a_dead_workers_delivery_is_taken_over(provider: Provider, inbox: Inbox) -> None:
    delivery = mail(provider)
    assert sending._claim(EMAIL, NOW) is not None
    assert sending._claim(EMAIL, NOW) is None
    assert send(after=sending.LEASE) == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("accepted", 2)


def test_one_that_cannot_be_tried_keeps_none_of_the_others(provider: Provider, settings: Any) -> None:
    configured(settings, webhook_private=True)
    with Listener() as listener:
        broken, whole = hook(provider, listener.url), hook(provider, listener.url, "M-2/0")
        Delivery.objects.filter(pk=broken.pk).update(sealed_secret="of another key")
        assert send(Channel.WEBHOOK) == 2
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.state, whole.state) == ("queued", "accepted")
    assert broken.said.startswith("It cannot be sent: InvalidToken")


def test_one_that_kills_every_worker_is_given_up(provider: Provider, inbox: Inbox) -> None:
    delivery = mail(provider)
    at = timedelta(0)
    for _ in range(len(RETRY_AFTER) + 1):
        assert sending._claim(EMAIL, NOW + at) is not None
        at += sending.LEASE
    assert send(after=at) == 0
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == ("failed", "Its worker died at every attempt; it is not tried again.")


def test_what_is_no_address_bounces_at_once(provider: Provider) -> None:
    for to in ("nobody", "a@b.example\r\nBcc: x@y.example", "ü@acme.example", ""):
        assert mail(provider, to).state == "bounced"


def test_a_subject_stays_one_line(provider: Provider, inbox: Inbox) -> None:
    send_email(provider, "it@acme.example", "Up\r\nBcc: x@y.example", "x", about="a", now=NOW)
    send()
    (message,) = inbox.messages()
    assert message["Subject"] == "Up Bcc: x@y.example"
    assert message["Bcc"] is None


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_mail_is_handed_over_encrypted_and_signed_in(
    provider: Provider, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*made, "-keyout", key, "-out", certificate, *subject], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    tls = {"implicit_tls": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}

    def signs_in(_server: object, _session: object, _envelope: object, _mechanism: str, who: Any) -> AuthResult:
        return AuthResult(success=(who.login, who.password) == (b"noc", b"p@ss/word"))

    inbox = Inbox()
    by_starttls = scheme != "smtps"
    server = MailServer(inbox, **tls, authenticator=signs_in, auth_required=by_starttls, auth_require_tls=by_starttls)
    port = server.port
    delivery = mail(provider)
    configured(settings, smtp_url=SecretStr(f"{scheme}://noc:p%40ss%2Fword@localhost:{port}"))
    send()
    delivery.refresh_from_db()
    assert "certificate verify failed" in delivery.said
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    send(after=RETRY_AFTER[0])
    delivery.refresh_from_db()
    server.stop()
    assert (delivery.state, len(inbox.taken)) == ("accepted", 1), delivery.said


@pytest.mark.parametrize(
    "url", ["imap://h", "smtp://", "smtp://u:p@relay.example", "smtp://relay.example/x", "relay.example:25"]
)
def test_a_mail_server_that_cannot_be_meant_is_refused_when_the_platform_starts(url: str) -> None:
    with pytest.raises(ValidationError, match="smtp"):
        Settings(smtp_url=SecretStr(url))


def test_a_sender_that_is_no_address_is_refused_when_the_platform_starts() -> None:
    with pytest.raises(ValidationError, match="Name <name@host>"):
        Settings(mail_from="Northwind")


def report(delivery: Delivery, *, action: str = "failed", returned: str = "headers") -> bytes:
    """A delivery status notification as Postfix writes it (RFC 3464 appendix)."""
    original = {
        "headers": f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{delivery.token}@nw.example>\r\n",
        "message": f"Content-Type: message/rfc822\r\n\r\nMessage-ID: <{delivery.token}@nw.example>\r\n\r\nHi.\r\n",
        "none": "Content-Type: text/plain\r\n\r\nnothing\r\n",
    }[returned]
    envelope = f"Original-Envelope-Id: {delivery.token}\r\n" if returned == "none" else ""
    return (
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nI could not deliver it.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n{envelope}\r\n"
        f"Final-Recipient: rfc822; it@acme.example\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--b\r\n{original}\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("returned", ["headers", "message", "none"])
def test_a_report_of_failure_turns_an_accepted_mail_into_a_bounce(
    provider: Provider, inbox: Inbox, returned: str
) -> None:
    delivery = mail(provider)
    send()
    for _ in range(2):
        found = take_bounce(report(delivery, returned=returned), NOW + timedelta(days=1))
    assert (found.state, found.said) == ("bounced", "5.1.1 it@acme.example 550 5.1.1 no such user")
    assert Event.objects.filter(action="delivery.bounced").count() == 1


def test_a_report_that_means_nothing_here_changes_nothing(provider: Provider, inbox: Inbox) -> None:
    delivery = mail(provider)
    send()
    stranger = Delivery(token="0" * 40)
    for raw, why in (
        (b"", "no failed"),
        (b"\xff\x00" * 1000, "no failed"),
        (
            b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n",
            "no fail",
        ),
        (b"x" * (1024 * 1024 + 1), "more than"),
        (report(delivery, action="delayed"), "no failed"),
        (report(stranger), "no message sent from here"),
    ):
        with pytest.raises(NotABounceError, match=why):
            take_bounce(raw, NOW)
    with pytest.raises(NotABounceError, match="7 days ago"):
        take_bounce(report(delivery), NOW + timedelta(days=8))
    delivery.refresh_from_db()
    assert delivery.state == "accepted"


def test_the_command_line_takes_reports(
    provider: Provider,
    inbox: Inbox,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notices, "_set_up", lambda: None)
    delivery = mail(provider)
    send_due(EMAIL, timezone.now)
    file = tmp_path / "report.eml"
    file.write_bytes(report(delivery))
    notices.bounce(file)
    assert capsys.readouterr().out.startswith("M-1/0 to it@acme.example: bounced: 5.1.1")
    for content, status in ((b"hello", 1), (b"x" * (notices.MAIL_BYTES + 1), 2)):
        file.write_bytes(content)
        with pytest.raises(SystemExit) as left:
            notices.bounce(file)
        assert left.value.code == status
    with pytest.raises(SystemExit) as left:
        notices.bounce(tmp_path / "absent.eml")
    assert left.value.code == 2


def hook(provider: Provider, url: str, about: str = "M-1/0") -> Delivery:
    return send_webhook(provider, url, SECRET, {"type": "test", "data": {"name": "Käse"}}, about=about, now=NOW)


def test_a_signature_is_the_one_standard_webhooks_publishes() -> None:
    # the vector of the scheme's reference libraries
    said = webhooks.signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_arrives_signed(provider: Provider, settings: Any) -> None:
    configured(settings, webhook_private=True)
    with Listener() as listener:
        delivery = hook(provider, listener.url)
        send(WEBHOOK)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == ("accepted", "204 No Content")
    ((path, headers, body),) = listener.posted
    assert (path, json.loads(body)) == ("/hook?x=1", {"type": "test", "data": {"name": "Käse"}})
    assert headers["webhook-id"] == delivery.token
    at = int(headers["webhook-timestamp"])
    assert at == int(NOW.timestamp())
    assert headers["webhook-signature"] == webhooks.signature(SECRET, delivery.token, at, body)
    assert SECRET not in delivery.sealed_secret


@pytest.mark.parametrize(
    ("says", "state"), [(500, "queued"), (404, "queued"), (302, "queued"), (410, "bounced"), (201, "accepted")]
)
def test_what_a_receiver_answers_decides(provider: Provider, settings: Any, says: int, state: str) -> None:
    configured(settings, webhook_private=True)
    with Listener() as elsewhere, Listener(says, headers={"Location": elsewhere.url}) as listener:
        delivery = hook(provider, listener.url)
        send(WEBHOOK)
    delivery.refresh_from_db()
    assert delivery.state == state
    assert elsewhere.posted == []


def test_a_receiver_that_drips_its_answer_is_left(
    provider: Provider, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(settings, webhook_private=True)
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.3)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                while not ended.wait(0.05):
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        delivery = hook(provider, f"http://127.0.0.1:{server.getsockname()[1]}/")
        send(WEBHOOK)
        ended.set()
        dripping.join()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("queued", 1)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",  # noqa: S104  # not bound
        "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_no_webhook_goes_inside(address: str) -> None:
    with pytest.raises(webhooks.RefusedError, match="not public"):
        webhooks.addresses(address, 443, private=False)


@pytest.mark.parametrize("address", ["192.0.2.1", "9.9.9.9", "2620:fe::fe"])
def test_what_is_public_may_be_written_to(address: str) -> None:
    if address == "192.0.2.1":  # a documentation address is nobody's
        with pytest.raises(webhooks.RefusedError):
            webhooks.addresses(address, 443, private=False)
    else:
        assert webhooks.addresses(address, 443, private=False) == [address]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://h/",
        "https://",
        "https://u:p@h.example/",
        "https://h:x/",
        "https://h/\r\nX: y",
        "h",
    ],
)
def test_what_is_no_webhooks_url_is_refused(url: str) -> None:
    with pytest.raises(webhooks.RefusedError):
        webhooks.checked_url(url, private=False)


def test_a_webhook_to_the_inside_bounces_and_says_why(provider: Provider) -> None:
    delivery = hook(provider, "https://127.0.0.1:1/")
    send(WEBHOOK)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == ("bounced", "127.0.0.1 is 127.0.0.1, an address that is not public.")


def test_the_page_lists_deliveries_and_their_fate(provider: Provider, page: Client, stranger: Client) -> None:
    mail(provider)
    mail(provider, "nobody")
    text = page.get("/deliveries/").content.decode()
    assert "No mail server is set" in text
    assert "it@acme.example" in text
    only = page.get("/deliveries/?state=bounced").content.decode()
    assert "it@acme.example" not in only
    assert "no e-mail address that can be written to" in only
    assert "acme" not in stranger.get("/deliveries/").content.decode()
