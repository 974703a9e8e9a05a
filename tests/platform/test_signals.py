"""Passive signals: read, suspect, and confirmed by nothing but probes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client
from platform_kit import NOW, call_record

from clearline.platform.accounts.models import Provider
from clearline.platform.alerts import scraping, signals
from clearline.platform.alerts.models import Signal
from clearline.platform.alerts.scraping import UnreadError, figure
from clearline.platform.alerts.signals import Reading, failed_share, keep, probe_now, read_signals
from clearline.platform.alerts.watching import look
from clearline.platform.availability.models import Target
from clearline.platform.customers.models import Service
from clearline.platform.measurements import records
from clearline.platform.statements.services import month_statement

EXPORTED = """# HELP kamailio_usrloc_registered_users registered users
# TYPE kamailio_usrloc_registered_users gauge
kamailio_usrloc_registered_users{domain="location"} 42
kamailio_usrloc_registered_users{domain="other"} 0.5
rtpengine_sessions 7
"""


@contextmanager
def exporting(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            with suppress(OSError):
                answer(self)

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # no noise
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def telling(text: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


def fetch(url: str) -> str:
    (found,) = scraping.fetch([url, url]).values()
    if isinstance(found, UnreadError):
        raise found
    return found


@pytest.fixture
def exporter() -> Iterator[str]:
    with exporting(telling(EXPORTED)) as url:
        yield url


KAMAILIO_TOLD = """# NO User defined metrics

# Kamailio whole internal statistics
kamailio_core_rcv_requests 1 1795407873926
kamailio_core_rcv_requests_register 0 1795407873926
kamailio_sl_5xx_replies 0 1795407873926
kamailio_usrloc_registered_users 0 1795407873926
"""
"""Lines that Kamailio 5.6.3's xhttp_prom told: no labels, and the moment in milliseconds behind each value."""

RTPENGINE_TOLD = """rtpengine_sessions{type="own"} 0
rtpengine_sessions{type="foreign"} 0
rtpengine_closed_sessions_total{reason="timeout"} 0
rtpengine_ports_free{name="default",address="127.0.0.1"} 101
"""
"""Lines that rtpengine 10.5.3.5 told at /metrics."""


@pytest.mark.parametrize(
    ("told", "metric", "value"),
    [
        (KAMAILIO_TOLD, "kamailio_usrloc_registered_users", 0),
        (KAMAILIO_TOLD, "kamailio_core_rcv_requests", 1),
        (KAMAILIO_TOLD, "kamailio_core_rcv_requests_register", 0),
        (KAMAILIO_TOLD, 'kamailio_core_rcv_requests{method="register"}', None),
        (RTPENGINE_TOLD, 'rtpengine_sessions{type="own"}', 0),
        (RTPENGINE_TOLD, "rtpengine_ports_free", 101),
    ],
)
def test_what_real_programs_told_is_read(told: str, metric: str, value: int | None) -> None:
    if value is None:
        with pytest.raises(UnreadError, match="no such metric"):
            figure(told, metric)
    else:
        assert figure(told, metric)[0] == value


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("rtpengine_sessions", "7"),
        ("kamailio_usrloc_registered_users", "42.5"),
        ('kamailio_usrloc_registered_users{domain="location"}', "42"),
    ],
)
def test_a_figure_of_an_exporter(metric: str, value: str) -> None:
    assert figure(EXPORTED, metric)[0] == Decimal(value)


@pytest.mark.parametrize(
    ("text", "metric", "why"),
    [
        (EXPORTED, "no_such_metric", "no such metric"),
        (EXPORTED, "rtpengine_sessions{", "no metric's name"),
        ("<html>", "rtpengine_sessions", "."),
        ("rtpengine_sessions seven", "rtpengine_sessions", "not understood"),
        ("rtpengine_sessions NaN", "rtpengine_sessions", "NaN"),
        ("\0", "rtpengine_sessions", "."),
    ],
)
def test_a_figure_that_is_not_told_says_why(text: str, metric: str, why: str) -> None:
    with pytest.raises(UnreadError, match=why):
        figure(text, metric)


def in_drops(head: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        while True:
            handler.wfile.write(b"#")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nX-Never-Ending: "])
def test_an_exporter_that_tells_drop_by_drop_is_left(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "WHOLE_S", 0.2)
    with exporting(in_drops(head)) as url, pytest.raises(UnreadError, match=r"not answered whole within 0\.2 s"):
        fetch(url)


def test_an_exporter_that_hangs_keeps_the_others_figures_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "WHOLE_S", 2)
    with exporting(in_drops(b"HTTP/1.0 200 OK\r\n")) as slow, exporting(telling("a 7\n")) as quick:
        found = scraping.fetch([slow, quick])
    assert isinstance(found[slow], UnreadError)
    assert found[quick] == "a 7\n"


def staying(handler: BaseHTTPRequestHandler) -> None:
    """Kamailio answers HTTP/1.0 and `Connection: close` too without hanging up."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\na 7\n")
    with suppress(OSError):
        handler.rfile.read(1)


def test_an_exporter_that_does_not_hang_up_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scraping, "WHOLE_S", 60.0)
    with exporting(staying) as url:
        assert figure(fetch(url), "a") == (Decimal(7), 1)


def test_a_counter_is_found_under_the_name_it_is_told_by() -> None:
    assert figure("# TYPE calls counter\ncalls 7\n", "calls") == (Decimal(7), 1)


def chunked(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na \r\n2\r\n7\n\r\n0\r\n\r\n")


def test_an_answer_in_chunks_is_put_together() -> None:
    with exporting(chunked) as url:
        assert figure(fetch(url), "a") == (Decimal(7), 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda handler: handler.send_error(503, "Busy now"), "it answers 503 Busy now"),
        (
            lambda handler: handler.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: file:///x\r\n\r\n"),
            "302 and sends else",
        ),
        (lambda handler: handler.wfile.write(b"SIP/2.0 200 OK\r\n\r\n"), "not reached"),
        (lambda handler: handler.wfile.write(bytes(scraping.LARGEST_BYTES + 1)), "larger than 4 MiB"),
        (lambda _: None, "not reached"),
    ],
)
def test_an_exporter_that_answers_something_else_says_so(
    answer: Callable[[BaseHTTPRequestHandler], None], why: str
) -> None:
    with exporting(answer) as url, pytest.raises(UnreadError, match=why):
        fetch(url)


def test_an_exporter_is_asked_and_one_that_is_away_is_said_to_be(exporter: str) -> None:
    assert figure(fetch(exporter), "rtpengine_sessions") == (Decimal(7), 1)
    with pytest.raises(UnreadError, match="not reached"):
        fetch("http://127.0.0.1:1/metrics")


@pytest.mark.django_db
def test_a_rising_share_of_failures_is_suspect_once_it_was_read_for_long_enough(provider: Provider) -> None:
    """A minute apart: of 100, 100 and 100 more requests 0, 10 and 50 fail; restarted, the last of 20 all fail.

    Over two minutes: nothing yet; 10 %, of one minute; 10 and 50 of 200 are 30 %; 50 and 20 of 120 are 58.3 %.
    """
    told = [(1000, 5), (1100, 15), (1200, 65), (20, 20)]
    signal = Signal.objects.create(
        provider=provider, name="Failing", metric="failed", taken_as="share", whole="asked", minutes=2, limit=25,
    )  # fmt: skip
    found = []
    for number, (asked, failed) in enumerate(told):
        with exporting(telling(f"asked {asked}\nfailed {failed}\n")) as url:
            signal.url = url
            signal.save()
            read_signals(lambda at=NOW + timedelta(minutes=number): at, lambda _: None)  # type: ignore[misc]
        signal.refresh_from_db()
        found.append((signal.value, signal.suspected_since is not None))
    assert found == [
        (None, False), (Decimal(10), False), (Decimal(30), True), (Decimal("58.333333"), True),
    ]  # fmt: skip
    assert len(signal.readings) == 3


@pytest.mark.django_db
def test_a_figure_too_large_to_tell_leaves_the_other_signals_read(provider: Provider) -> None:
    """9e21 in half a minute are 1.8e22 a minute: 29 digits with the six behind the point."""
    with exporting(telling("a 9e21\n")) as url:
        common = {"provider": provider, "url": url, "metric": "a", "limit": Decimal(1)}
        before = (NOW - timedelta(seconds=30)).timestamp() * 1_000_000
        Signal.objects.create(name="Large", taken_as="rate", minutes=1, readings=[[int(before), "0", None]], **common)
        Signal.objects.create(name="Other", **common)
        read_signals(lambda: NOW, lambda _: None)
    told = dict(Signal.objects.values_list("name", "value"))
    assert told == {"Large": None, "Other": Decimal("9e21")}


@pytest.mark.django_db
def test_calls_failed_when_the_network_gave_them_up(service: Service) -> None:
    """408 and 503 failed; busy, not found and answered did not; of nine calls nothing is told."""
    codes = [200] * 5 + [486, 404, 487, 408, 503]
    calls = [call_record(service, NOW, final_code=code) for code in codes]
    assert failed_share(calls).value == Decimal(20)
    assert failed_share(calls[1:]).value is None


@pytest.mark.django_db
def test_a_suspicion_begins_once_stays_while_unread_and_ends(provider: Provider) -> None:
    signal = Signal.objects.create(provider=provider, name="Registered", suspect="below", limit=Decimal(10))
    told = [keep(signal, Reading(value, ""), NOW + timedelta(minutes=n)) for n, value in enumerate([
        Decimal(10), Decimal(9), Decimal(8), None,
    ])]  # fmt: skip
    assert told == [False, True, False, False]
    assert signal.suspected_since == NOW + timedelta(minutes=1)
    keep(signal, Reading(Decimal(11), ""), NOW)
    assert signal.suspected_since is None


@pytest.mark.django_db
def test_a_suspicion_is_told_has_the_targets_probed_and_costs_nothing(
    provider: Provider, service: Service, target: Target
) -> None:
    """Ten calls of which all failed: suspect above 50 %."""
    calls = [
        replace(call_record(service, NOW - timedelta(minutes=1), final_code=503), key=f"call-{number}")
        for number in range(10)
    ]
    records().append(calls)
    Signal.objects.create(provider=provider, name="Failed calls", kind="calls", limit=Decimal(50))
    asked: list[Target] = []
    for _ in range(2):
        read_signals(lambda: NOW, asked.extend)
    assert asked == [target]
    found = look(provider, NOW)
    assert [(trouble.kind, trouble.title) for trouble in found.troubles] == [("suspicion", "Failed calls is suspect")]
    month = month_statement(service, service.agreement.month_of(NOW), NOW)
    assert month is not None
    assert month.evidence["availability"]["downtime"] == []


@pytest.mark.django_db(transaction=True)
def test_probes_at_once_make_a_confirmed_outage(target: Target) -> None:
    """Nobody listens there: two refused probes in a row."""
    target.uri, target.timeout_seconds = "sip:127.0.0.1:9;transport=tcp", 1
    target.save()
    probe_now([target])
    now = datetime.now(tz=NOW.tzinfo) + timedelta(seconds=2)
    (trouble,) = look(target.provider, now).troubles
    assert trouble.kind == "outage"


@pytest.mark.django_db
def test_signals_on_the_page(page: Client) -> None:
    given = {
        "name": "Registered", "kind": "metric", "url": "http://192.0.2.7:9494/metrics", "metric": "users",
        "limit": "10", "suspect": "below", "taken_as": "value", "minutes": "5",
    }  # fmt: skip
    assert page.post("/alerts/signals/add/", {**given, "url": "file:///etc/passwd"}).status_code == 422
    assert page.post("/alerts/signals/add/", {**given, "metric": "a b"}).status_code == 422
    assert page.post("/alerts/signals/add/", {**given, "taken_as": "share"}).status_code == 422
    assert page.post("/alerts/signals/add/", {**given, "minutes": "61"}).status_code == 422
    assert page.post("/alerts/signals/add/", given).status_code == 302
    assert "suspect below 10" in page.get("/alerts/").content.decode()
    assert signals.CONFIRMING == 2
    page.post(f"/alerts/signals/{Signal.objects.get().pk}/remove/")
    assert page.post("/alerts/signals/add/", {**given, "taken_as": "left", "limit": "70"}).status_code == 302
    assert "suspect below 70 %" in page.get("/alerts/").content.decode()
    page.post(f"/alerts/signals/{Signal.objects.get().pk}/remove/")
    assert not Signal.objects.exists()
