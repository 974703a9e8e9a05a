"""Targets: what is tried, with which account, and how its figures reach the page."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from platform_kit import NOW, samples

from clearline.agreement.moments import datetime_us
from clearline.platform.accounts.models import User
from clearline.platform.audit.models import Event
from clearline.platform.availability.models import Target
from clearline.platform.availability.services import probed_targets
from clearline.platform.jobs.management.commands import probe_targets
from clearline.platform.measurements import records
from clearline.sensors.probe.target import Credentials

pytestmark = pytest.mark.django_db

SECRET = "hunter2 % ü"


def add(page: Client, **fields: str) -> int:
    given = {"name": "Echo", "kind": "call", "uri": "sip:echo@pbx.example", "account": "alice", "password": SECRET}
    answer = page.post("/availability/targets/add/", {**given, "interval_seconds": "60", **fields})
    assert answer.status_code == 302, answer.content
    return int(answer.headers["Location"].rstrip("/").rpartition("/")[2])


def test_a_target_reaches_the_prober_with_its_kind_its_account_and_its_interval(page: Client) -> None:
    add(page)
    (probed,) = probed_targets()
    assert (probed.kind, probed.uri, probed.interval_us) == ("call", "sip:echo@pbx.example", 60_000_000)
    assert probed.credentials == Credentials("alice", SECRET)


def test_a_call_presses_the_keys_that_were_asked_for_and_only_a_call_does(page: Client) -> None:
    add(page, digits="159#a")
    (probed,) = probed_targets()
    assert probed.digits == "159#A"
    given = {"name": "x", "kind": "options", "uri": "sip:pbx.example", "interval_seconds": "15"}
    refused = page.post("/availability/targets/add/", given | {"digits": "1"})
    assert "Only a call presses keys" in refused.content.decode()
    wrong = page.post("/availability/targets/add/", given | {"kind": "call", "digits": "1x"})
    assert "A telephone has the keys" in wrong.content.decode()


def test_a_target_is_found_by_the_name_server_and_asked_for_the_path_that_were_given(page: Client) -> None:
    pk = add(page, kind="options", uri="sip:pbx.example;transport=wss", path="/ws", name_server="[2001:db8::53]:5353")
    (probed,) = probed_targets()
    assert (probed.path, probed.name_server) == ("/ws", ("2001:db8::53", 5353))
    shown = page.get(f"/availability/targets/{pk}/").content.decode()
    assert "[2001:db8::53]:5353" in shown
    assert "<code>/ws</code>" in shown


def test_a_call_is_registered_meanwhile_and_encrypted_where_that_is_asked_for(page: Client) -> None:
    pk = add(page, uri="sip:echo@pbx.example;transport=tls", registers="on", encrypts="on")
    (probed,) = probed_targets()
    assert (probed.registers, probed.encrypts) == (True, True)
    assert "registered meanwhile, encrypted" in page.get(f"/availability/targets/{pk}/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name_server": "ns.example"}, "Write an address"),
        ({"name_server": "192.0.2.53:0"}, "Write an address"),
        ({"name_server": "192.0.2.53:99999"}, "Write an address"),
        ({"path": "ws"}, "A path begins with /"),
        ({"path": "/a b"}, "A path begins with /"),
        ({"registers": "on"}, "Only a call with an account"),
        ({"encrypts": "on", "uri": "sip:pbx.example;transport=tls"}, "Only a call over TLS"),
        ({"encrypts": "on", "kind": "call", "uri": "sip:pbx.example"}, "Only a call over TLS"),
    ],
)
def test_what_a_target_cannot_have_is_refused(page: Client, wrong: dict[str, str], says: str) -> None:
    given = {"name": "x", "kind": "dns", "uri": "sip:pbx.example", "interval_seconds": "15", **wrong}
    answer = page.post("/availability/targets/add/", given)
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_a_password_is_stored_encrypted_and_never_shown_again(page: Client) -> None:
    pk = add(page)
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_password FROM availability_target WHERE id = %s", [pk])
        (stored,) = cursor.fetchone()
    assert SECRET not in stored
    for address in (f"/availability/targets/{pk}/", f"/availability/targets/{pk}/account/", "/audit/"):
        text = page.get(address).content.decode()
        assert "hunter2" not in text
        assert stored not in text
    assert SECRET not in str(list(Event.objects.values()))


def test_a_wrong_form_does_not_send_the_password_back(page: Client) -> None:
    given = {"name": "x", "kind": "register", "uri": "sip:pbx.example", "account": "", "password": SECRET}
    answer = page.post("/availability/targets/add/", {**given, "interval_seconds": "15"})
    assert answer.status_code == 422
    assert "it needs a user name" in answer.content.decode()
    assert "hunter2" not in answer.content.decode()


def test_an_account_is_changed_whole(page: Client, alice: User) -> None:
    pk = add(page)
    page.post(f"/availability/targets/{pk}/account/", {"account": "bob", "password": "other"})
    assert [probed.credentials for probed in probed_targets()] == [Credentials("bob", "other")]
    page.post(f"/availability/targets/{pk}/account/", {"account": "", "password": "left over"})
    assert [probed.credentials for probed in probed_targets()] == [None]
    assert Target.objects.get(pk=pk).sealed_password == ""


def test_a_target_whose_password_cannot_be_read_is_not_probed_and_the_others_are(page: Client, target: Target) -> None:
    pk = add(page)
    Target.objects.filter(pk=pk).update(sealed_password="gAAAAA-of-another-key")
    assert [probed.id for probed in probed_targets()] == [target.code]


def test_a_calls_figures_are_plotted_one_by_one(page: Client) -> None:
    target, since = Target.objects.get(pk=add(page)), timezone.now() - timedelta(minutes=1)
    Target.objects.filter(pk=target.pk).update(added_at=since)
    taken = samples(target, since, "++-")
    figures = {"kind": "call", "mos_x100": 431, "post_dial_delay_us": 812_345, "loss_ppm": 12_345, "jitter_us": 1_450}
    records().append([replace(sample, **figures) for sample in taken])

    def drawn(quantity: str) -> tuple[list[float | None], str]:
        plot = page.get(f"/availability/targets/{target.pk}/plot/{quantity}/1/").json()
        return plot["value"], plot["unit"]

    assert drawn("mos") == ([4.31, 4.31, None], "")
    assert drawn("post_dial_delay") == ([812.3, 812.3, None], "ms")
    assert drawn("loss") == ([1.23, 1.23, None], "%")
    assert drawn("jitter") == ([1.4, 1.4, None], "ms")
    assert page.get(f"/availability/targets/{target.pk}/plot/beauty/1/").status_code == 404
    text = page.get(f"/availability/targets/{target.pk}/").content.decode()
    assert "4.31" in text
    assert "1.2345 %" in text
    assert f"/availability/targets/{target.pk}/plot/mos/1/" in text


def test_an_interval_beyond_an_hour_is_refused(page: Client) -> None:
    given = {"name": "x", "kind": "options", "uri": "sip:pbx.example", "interval_seconds": "3601"}
    assert page.post("/availability/targets/add/", given).status_code == 422
    assert settings.CLEARLINE.probe_interval_seconds == 15


def test_a_certificates_end_is_on_the_targets_page(page: Client) -> None:
    target = Target.objects.get(pk=add(page, kind="tls", uri="pbx.example", account="", password=""))
    assert target.uri == "tls:pbx.example"
    taken = samples(target, timezone.now() - timedelta(seconds=40), "++")
    records().append([replace(sample, kind="tls", expires_at_us=1_900_000_000_000_000) for sample in taken])
    assert "certificate good until" in page.get(f"/availability/targets/{target.pk}/").content.decode()


def test_an_address_must_fit_its_kind(page: Client) -> None:
    given = {"name": "x", "kind": "tls", "uri": "sip:pbx.example", "interval_seconds": "15"}
    answer = page.post("/availability/targets/add/", given)
    assert answer.status_code == 422
    assert "as the kind tls needs" in answer.content.decode()


def test_a_failure_seen_here_is_kept_whether_or_not_the_others_can_be_told(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(probe_targets.db.connection, "close", lambda: None)  # the test's own transaction
    now = timezone.now()
    with monkeypatch.context() as patched:
        patched.setattr(probe_targets, "suspect", locked)
        probe_targets._keep(samples(target, now - timedelta(seconds=5), "-"))
    assert [told.suspected_us for told in probed_targets()] == [None]
    probe_targets._keep(samples(target, now, "-"))
    assert [told.suspected_us is None for told in probed_targets()] == [False]
    span_us = datetime_us(now - timedelta(minutes=1)), datetime_us(now + timedelta(minutes=1))
    kept = records().probe_samples(
        tenant=target.provider.tenant, targets=[target.code], since_us=span_us[0], until_us=span_us[1]
    )
    assert len(kept) == 2


def test_a_failure_that_is_told_late_hurries_nobody(target: Target) -> None:
    probe_targets.suspect(samples(target, NOW - timedelta(minutes=2), "-"), NOW)
    assert [told.suspected_us for told in probed_targets()] == [None]
