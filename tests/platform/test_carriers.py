"""Carriers' notices, read by another process; what is hostile in them ends with it."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from platform_kit import NOW

from clearline.cli import notices
from clearline.platform.accounts.models import Provider
from clearline.platform.audit.models import Event
from clearline.platform.maintenance import carrier_parser, carriers
from clearline.platform.maintenance.carriers import NoNoticeError, read_notice
from clearline.platform.maintenance.models import CarrierWindow

pytestmark = pytest.mark.django_db


def calendar(sequence: int = 1, status: str = "CONFIRMED", **other: str) -> bytes:
    """A MAINTNOTE calendar as the draft's example has it."""
    lines = {
        "SUMMARY": "Fibre work",
        "DTSTART": "20261110T080000Z",
        "DTEND": "20261110T100000Z",
        "DTSTAMP": f"20261101T0010{sequence:02}Z",
        "UID": "42",
        "SEQUENCE": str(sequence),
        "X-MAINTNOTE-PROVIDER": "example.com",
        "X-MAINTNOTE-ACCOUNT": "137.035999173",
        "X-MAINTNOTE-MAINTENANCE-ID": "WorkOrder-31415",
        "X-MAINTNOTE-IMPACT": "OUTAGE",
        "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=NO-IMPACT": "acme-widgets-as-a-service",
        "X-MAINTNOTE-OBJECT-ID;X-MAINTNOTE-OBJECT-IMPACT=OUTAGE": "acme-widgets-2",
        "X-MAINTNOTE-STATUS": status,
        'ORGANIZER;CN="Example NOC"': "mailto:noone@example.com",
        **other,
    }
    event = "\r\n".join(f"{name}:{value}" for name, value in lines.items() if value)
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\nBEGIN:VEVENT"
    return f"{head}\r\n{event}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode()


def mail(content: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "NOC <noc@example.com>", "Maintenance"
    message["Date"] = "Sun, 01 Nov 2026 00:10:00 +0000"
    message.set_content("See the calendar.")
    message.add_attachment(content, maintype="text", subtype="calendar", filename="m.ics")
    return message.as_bytes()


COGENT = b"""From: Cogent <support@cogentco.com>
Subject: 11/19/2026 Circuit Provider Maintenance - Edina, MN 1-300555555
Date: Sun, 01 Nov 2026 10:00:00 +0000
Content-Type: text/plain

CIRCUIT PROVIDER MAINTENANCE

Dear Northwind,

Start time: 10:00pm CT 10/11/2026
End time: 5:00am CT 11/11/2026
Work order number: VN00001
Order ID(s) impacted: 1-300555555

Cogent customers receiving service in Edina, MN will be affected by this outage.
"""


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read here: another process takes seconds to import the parser."""

    def parse(raw: bytes) -> list[dict[str, Any]]:
        try:
            return carrier_parser.read(raw)
        except ValueError as error:
            raise NoNoticeError(f"This is no notice of maintenance: {error}") from error

    monkeypatch.setattr(carriers, "_parse", parse)


def test_a_calendar_in_a_mail_is_kept(provider: Provider) -> None:
    (read,) = read_notice(provider, None, mail(calendar()), NOW)
    window = read.window
    assert read.outcome == "new"
    assert (window.carrier, window.identifier, window.account, window.status) == (
        "example.com", "WorkOrder-31415", "137.035999173", "CONFIRMED",
    )  # fmt: skip
    assert (window.from_at, window.until_at) == (
        datetime(2026, 11, 10, 8, tzinfo=UTC),
        datetime(2026, 11, 10, 10, tzinfo=UTC),
    )
    assert window.circuits == [["acme-widgets-as-a-service", "NO-IMPACT"], ["acme-widgets-2", "OUTAGE"]]
    assert Event.objects.filter(action="carrier_notice.read").count() == 1


@pytest.mark.usefixtures("in_process")
def test_a_later_notice_changes_it_and_an_earlier_one_does_not(provider: Provider) -> None:
    outcomes = [
        read_notice(provider, None, raw, NOW)[0].outcome
        for raw in (calendar(2), calendar(1, "TENTATIVE"), calendar(2), calendar(3, "CANCELLED"))
    ]
    assert outcomes == ["new", "known", "known", "changed"]
    assert CarrierWindow.objects.get().status == "CANCELLED"


@pytest.mark.usefixtures("in_process")
def test_a_carriers_own_format_is_read(provider: Provider) -> None:
    (read,) = read_notice(provider, None, COGENT, NOW)
    window = read.window
    assert (window.carrier, window.identifier) == ("cogent", "VN00001")
    assert window.from_at == datetime(2026, 11, 11, 4, tzinfo=UTC)  # 22:00 in Chicago, winter time
    assert window.circuits == [["1-300555555", "OUTAGE"]]


BOXES = b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
HOSTILE = {
    "empty": b"",
    "a mail": b"Subject: hello\r\n\r\nhello",
    "noise": b"\xff\xfe\x00" * 500,
    "nested": b"BEGIN:VCALENDAR\r\n" * 3000,
    "ends before": calendar(DTEND="20261110T070000Z"),
    "no such status": calendar(**{"X-MAINTNOTE-STATUS": "PERHAPS"}),
    "boxes in boxes": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + BOXES * 500,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_notice_is_refused(raw: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011  # any; the process that reads says it and ends
        carrier_parser.read(raw)


def test_what_is_refused_says_so_and_keeps_nothing(provider: Provider) -> None:
    for raw, why in (
        (HOSTILE["noise"], "no notice of maintenance that can be read: ValueError"),
        (b"x" * (4 * 1024 * 1024 + 1), "4 MiB"),
    ):
        with pytest.raises(NoNoticeError, match=why):
            read_notice(provider, None, raw, NOW)
    for told in ({"start": -(10**14)}, {"start": 4 * 10**11}, {"start": 1.8e9, "end": 1.7e9}):
        with pytest.raises(NoNoticeError):
            carriers._checked({**carrier_parser.read(calendar())[0], **told})
    assert not CarrierWindow.objects.exists()


@pytest.mark.usefixtures("in_process")
def test_what_a_carrier_writes_is_cut_and_stripped(provider: Provider) -> None:
    wild = {"SUMMARY": "a\x1b[31m\\nb" + "x" * 5000, "X-MAINTNOTE-MAINTENANCE-ID": "y" * 5000}
    (read,) = read_notice(provider, None, calendar(**wild), NOW)
    assert read.window.summary.startswith("a [31m b")
    assert (len(read.window.summary), len(read.window.identifier)) == (200, 200)


def test_a_mail_that_takes_too_long_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "READ_WITHIN_S", 0.05)
    with pytest.raises(NoNoticeError, match="too long"):
        read_notice(provider, None, calendar(), NOW)


def test_reading_reaches_nobody_and_writes_nothing(tmp_path: Path) -> None:
    code = f"""
import clearline.platform.maintenance.carrier_parser as parser, io, pathlib, socket, sys
sys.stdin = io.TextIOWrapper(io.BytesIO(b"x"))
def read(raw):
    said = []
    for hostile in (
        lambda: socket.create_connection(("127.0.0.1", 9)),
        lambda: socket.socket().connect(("127.0.0.1", 9)),
        lambda: pathlib.Path({str(tmp_path / "f")!r}).write_text("x"),
    ):
        try:
            hostile()
        except OSError as error:
            said.append(str(error))
    raise ValueError("; ".join(said))
parser.read = read
sys.exit(parser.main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={})
    assert done.stderr == (
        "ValueError: a notice is read without a network; a notice is read without a network; [Errno 27] File too large"
    )


@pytest.mark.usefixtures("in_process")
def test_the_page_puts_it_on_the_calendar(page: Client, stranger: Client) -> None:
    upload = SimpleUploadedFile("m.ics", calendar())
    answer = page.post("/maintenance/calendar/read/", {"mail": upload}, follow=True).content.decode()
    assert "November 2026" in answer
    assert "WorkOrder-31415" in answer
    assert "WorkOrder" not in stranger.get("/maintenance/calendar/?month=2026-11").content.decode()
    assert page.get("/maintenance/calendar/?month=x").status_code == 404
    wrong = page.post("/maintenance/calendar/read/", {"mail": SimpleUploadedFile("m.ics", b"hello")})
    assert wrong.status_code == 422
    assert "no notice of maintenance" in wrong.content.decode()


@pytest.mark.usefixtures("in_process")
def test_the_command_line_reads_and_says_what_it_kept(
    provider: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_set_up", lambda: None)
    good, bad = tmp_path / "good.ics", tmp_path / "bad.eml"
    good.write_bytes(calendar())
    bad.write_bytes(b"hello")
    with pytest.raises(SystemExit) as left:
        notices.read([good, bad], json_output=True)
    assert left.value.code == 2
    said = capsys.readouterr()
    schema = Path(__file__).parents[2] / "docs" / "schemas" / "carrier-window.json"
    jsonschema.validate(json.loads(said.out), json.loads(schema.read_text()))
    assert json.loads(said.out) == {
        "outcome": "new", "carrier": "example.com", "id": "WorkOrder-31415", "status": "CONFIRMED",
        "from": "2026-11-10T08:00:00Z", "until": "2026-11-10T10:00:00Z",
    }  # fmt: skip
    assert f"{bad}: This is no notice" in said.err
