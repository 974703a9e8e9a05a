"""E-mail out: composing a message, and handing it to the mail server that the settings name."""

import smtplib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from clearline.platform.outbox.models import Delivery
from clearline.platform.outbox.outcome import Outcome, Result
from clearline.platform.outbox.server import MailServer


def compose(delivery: Delivery, mail_from: str) -> EmailMessage:
    """The message of a delivery; composing it again gives the same, so that a repeat can be told as one."""
    name, address = parseaddr(mail_from)
    local, _, domain = address.rpartition("@")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(name or str(delivery.provider), local, domain)
    message["To"] = Address(addr_spec=delivery.recipient)
    message["Subject"] = delivery.subject
    message["Date"] = format_datetime(delivery.queued_at)
    message["Message-ID"] = f"<{delivery.token}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence notice answers it
    if delivery.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{delivery.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(delivery.body)
    if delivery.calendar:
        message.add_alternative(delivery.calendar, subtype="calendar", params={"method": delivery.method})
    return message


def hand_over(delivery: Delivery, server: MailServer, mail_from: str) -> Outcome:
    """Hand a delivery to the mail server.

    A refusal of the recipient or of the message for good (5xx, RFC 5321 section 4.2.1) is a bounce; everything else
    that goes wrong is ours or passes, and is tried again.
    """
    message = compose(delivery, mail_from)
    try:
        with server.connect() as smtp:
            return _converse(smtp, parseaddr(mail_from)[1], delivery, message.as_bytes())
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(Result.LATER, f"{server.host}:{server.port}: {error}")


def _converse(smtp: smtplib.SMTP, sender: str, delivery: Delivery, content: bytes) -> Outcome:
    smtp.ehlo_or_helo_if_needed()
    envelope = [f"ENVID={delivery.token}"] if smtp.has_extn("dsn") else []  # RFC 3461: a later bounce names it
    code, said = smtp.mail(sender, envelope)
    if code != 250:
        return Outcome(Result.LATER, _text(code, said))
    code, said = smtp.rcpt(delivery.recipient)
    if code in {250, 251}:
        code, said = smtp.data(content)
    if code in {250, 251}:
        return Outcome(Result.ACCEPTED, _text(code, said))
    return Outcome(Result.BOUNCED if 500 <= code < 600 else Result.LATER, _text(code, said))


def _text(code: int, said: bytes) -> str:
    return f"{code} {said.decode('utf-8', 'replace')}"
