"""Passive signals: read, suspect, and confirmed by nothing but probes."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client
from platform_kit import NOW, call_record

from clearline.platform.accounts.models import Provider
from clearline.platform.alerts import signals
from clearline.platform.alerts.models import Signal
from clearline.platform.alerts.signals import Reading, failed_share, figure, keep, probe_now, read_signals, scrape
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


@pytest.fixture
def exporter() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            self.send_response(200)
            self.end_headers()
            self.wfile.write(EXPORTED.encode())

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # no noise
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


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
    assert figure(told, metric).value == value


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("rtpengine_sessions", "7"),
        ("kamailio_usrloc_registered_users", "42.5"),
        ('kamailio_usrloc_registered_users{domain="location"}', "42"),
        ("no_such_metric", None),
        ("rtpengine_sessions{", None),
    ],
)
def test_a_figure_of_an_exporter(metric: str, value: str | None) -> None:
    assert figure(EXPORTED, metric).value == (None if value is None else Decimal(value))


def test_what_is_no_prometheus_text_is_said_to_be_none() -> None:
    for text in ("<html>", "rtpengine_sessions seven", "rtpengine_sessions NaN", "\0"):
        assert figure(text, "rtpengine_sessions").value is None


def test_an_exporter_that_tells_drop_by_drop_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dropping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b"#")
                    time.sleep(0.02)

        def log_message(self, *_: object) -> None:  # type: ignore[override]  # no noise
            pass

    monkeypatch.setattr(signals, "WHOLE_S", 0.2)
    with HTTPServer(("127.0.0.1", 0), Dropping) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        said = scrape(f"http://127.0.0.1:{server.server_port}/metrics", "x")
        serving.join()
    assert said == Reading(None, "not answered whole within 0.2 s")


def test_an_exporter_is_asked_and_one_that_is_away_is_unknown(exporter: str) -> None:
    assert scrape(exporter, "rtpengine_sessions") == Reading(Decimal("7.000000"), "1 samples")
    assert scrape("http://127.0.0.1:1/metrics", "x").value is None


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
        "limit": "10", "suspect": "below",
    }  # fmt: skip
    assert page.post("/alerts/signals/add/", {**given, "url": "file:///etc/passwd"}).status_code == 422
    assert page.post("/alerts/signals/add/", {**given, "metric": "a b"}).status_code == 422
    assert page.post("/alerts/signals/add/", given).status_code == 302
    assert "suspect below 10" in page.get("/alerts/").content.decode()
    assert signals.CONFIRMING == 2
    page.post(f"/alerts/signals/{Signal.objects.get().pk}/remove/")
    assert not Signal.objects.exists()
