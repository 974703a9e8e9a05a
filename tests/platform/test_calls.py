import gzip
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from platform_kit import call_record
from tests.voice import captures
from tests.voice.test_video_streams import replay, replayed, video

from clearline.agreement.moments import utc
from clearline.platform.accounts.models import User
from clearline.platform.calls import analysis, views
from clearline.platform.calls.analysis import WorkerEndsError, analyse_upload
from clearline.platform.calls.models import Upload
from clearline.platform.calls.services import calls_in, streams_of
from clearline.platform.calls.uploading import take_in
from clearline.platform.customers.models import Service
from clearline.platform.jobs.lease import MOST_ATTEMPTS, claim, extend, finish, give_back
from clearline.platform.measurements import records

pytestmark = pytest.mark.django_db

LEASE = timedelta(seconds=60)


def capture(lost_every: int = 20) -> bytes:
    """One call of ten seconds; of one direction every n-th packet is missing."""
    heard = [record for number, record in enumerate(captures.speech()) if number % lost_every]
    back = captures.speech(source=captures.BOB_AUDIO, destination=captures.ALICE_AUDIO, ssrc=0x5678)
    return captures.pcap(captures.in_time([*captures.call(), *heard, *back]))


def uploaded(service: Service, alice: User, content: bytes, name: str = "office.pcap") -> Upload:
    return take_in(service, SimpleUploadedFile(name, content), alice, timezone.now()).upload


def work() -> Upload:
    claimed = claim(Upload, "worker", timezone.now(), LEASE)
    assert claimed is not None
    analyse_upload(claimed, LEASE, lambda: False)
    claimed.refresh_from_db()
    return claimed


def test_a_capture_becomes_a_call_with_its_streams(service: Service, alice: User) -> None:
    """25 of 500 packets are lost, the first of them before anything was heard: 24 of 499."""
    uploaded(service, alice, capture())
    done = work()
    assert (done.state, done.calls, done.streams) == ("done", 1, 2)
    (call,) = calls_in(done)
    assert (call.customer, call.service) == (service.customer.code, service.code)
    assert (call.caller, call.callee) == ("sip:alice@example.com", "sip:bob@example.com")
    assert (call.start_us, call.answered_us) == (captures.START_US, captures.START_US + 1_000_000)
    assert call.loss_ppm == 24 * 1_000_000 // 499
    assert call.delay_us is None
    assert call.mos_basis == "lq"
    scores = sorted(stream.mos_lq_x100 or 0 for stream in streams_of(call))
    assert call.mos_x100 == scores[0] < scores[1]
    assert done.first_at == utc(captures.START_US)
    for stream in streams_of(call):
        span = {"since_us": stream.start_us, "until_us": stream.end_us + 1}
        parts = records().intervals(tenant=call.tenant, stream_key=stream.key, **span)
        assert sum(part.lost for part in parts) == stream.lost
        assert sum(part.received or 0 for part in parts) == stream.received
        assert all(part.mos_lq_x100 for part in parts)
        assert stream.burst_r_x1000 is not None


def test_the_quality_of_a_calls_video_is_kept(service: Service, alice: User) -> None:
    uploaded(service, alice, captures.pcap(captures.in_time(replay("h264"))))
    (call,) = calls_in(work())
    assert call.video_mos_x100 == round(100 * (video(replayed("h264")).vq or 0))
    assert call.mos_x100 is None


def test_the_same_capture_twice_changes_nothing(service: Service, alice: User) -> None:
    first = uploaded(service, alice, capture())
    work()
    again = take_in(service, SimpleUploadedFile("renamed.pcap", capture()), alice, timezone.now())
    assert (again.known, again.upload.pk) == (True, first.pk)
    Upload.objects.update(state="waiting")
    assert len(calls_in(work())) == 1


def test_streams_without_signalling_are_one_call_between_two_addresses(service: Service, alice: User) -> None:
    uploaded(service, alice, gzip.compress(captures.pcap(captures.in_time(captures.both_ways()))))
    (call,) = calls_in(work())
    assert (call.call_id, call.caller, call.answered_us) == (None, None, None)
    assert len(streams_of(call)) == 2
    assert call.mos_x100 is not None


@pytest.mark.parametrize("content", [b"", b"not a capture at all, only words", b"\x1f\x8b broken gzip"])
def test_a_broken_file_is_a_plain_error_on_its_page(
    service: Service, alice: User, page: Client, content: bytes
) -> None:
    upload = uploaded(service, alice, content)
    assert work().state == "failed"
    text = page.get(f"/calls/captures/{upload.pk}/").content.decode()
    assert "This is not a capture that can be read" in text
    assert "Traceback" not in text
    assert upload.path.read_bytes() == content
    page.post(f"/calls/captures/{upload.pk}/retry/")
    upload.refresh_from_db()
    assert (upload.state, upload.attempt) == ("waiting", 0)


def test_a_capture_that_trips_the_analyser_does_not_end_the_worker(
    service: Service, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_args: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(analysis, "analyze", trip)
    uploaded(service, alice, capture())
    assert "worker's log" in work().error


def test_a_file_over_the_limit_is_refused_in_words(
    service: Service, page: Client, settings: Any, tmp_path: Path
) -> None:
    settings.CLEARLINE = settings.CLEARLINE.model_copy(update={"upload_limit_mb": 1})
    file = SimpleUploadedFile("big.pcap", bytes(1024 * 1024 + 1))
    answer = page.post("/calls/upload/", {"service": service.pk, "file": file})
    assert answer.status_code == 422
    assert "larger than 1 MiB" in answer.content.decode()
    assert not Upload.objects.exists()


def test_upload_by_the_page_and_progress_beside(service: Service, page: Client) -> None:
    file = SimpleUploadedFile("office.pcap", capture())
    address = page.post("/calls/upload/", {"service": service.pk, "file": file}).headers["Location"]
    assert "Waiting for the worker" in page.get(address, headers={"hx-request": "true"}).content.decode()
    work()
    text = page.get(address).content.decode()
    assert "1 call, 1 measured" in text
    assert "on listening quality (LQ)" in text


def test_a_dead_workers_capture_is_taken_over(service: Service, alice: User) -> None:
    uploaded(service, alice, capture())
    now = timezone.now()
    dead = claim(Upload, "first", now, LEASE)
    assert dead is not None
    assert claim(Upload, "second", now, LEASE) is None
    taken_over = claim(Upload, "second", now + LEASE, LEASE)
    assert taken_over is not None
    assert (taken_over.lease_owner, taken_over.attempt) == ("second", 2)
    assert not extend(dead, now, LEASE)
    assert not finish(dead, Upload.State.DONE)
    assert finish(taken_over, Upload.State.DONE)


def test_what_kills_its_workers_is_given_up(service: Service, alice: User) -> None:
    uploaded(service, alice, capture())
    now = timezone.now()
    for number in range(MOST_ATTEMPTS):
        assert claim(Upload, f"{number}", now + number * LEASE, LEASE) is not None
    assert claim(Upload, "last", now + MOST_ATTEMPTS * LEASE, LEASE) is None
    assert Upload.objects.get().state == "failed"


def test_a_worker_that_is_asked_to_end_gives_its_capture_back(service: Service, alice: User) -> None:
    uploaded(service, alice, capture())
    claimed = claim(Upload, "first", timezone.now(), LEASE)
    assert claimed is not None
    with pytest.raises(WorkerEndsError):
        analyse_upload(claimed, LEASE, lambda: True)
    give_back(claimed)
    assert work().state == "done"


def test_a_months_calls_are_listed_a_page_at_a_time(page: Client, service: Service) -> None:
    start_us = 1_790_000_000_000_000
    rows = [call_record(service, utc(start_us + n), mos_basis="lq") for n in range(views.CALLS_A_PAGE + 5)]
    records().append(rows)
    month = f"{utc(start_us):%Y-%m}"
    first = page.get(f"/calls/?month={month}")
    assert first.context["summary"].calls == len(rows) == first.context["summary"].listening_only
    assert len(first.context["page"]) == views.CALLS_A_PAGE
    second = page.get(f"/calls/?month={month}&before={first.context['older']}")
    assert [call.key for call in second.context["page"]] == [row.key for row in rows[4::-1]]
    assert second.context["older"] is None
    for wrong in ("x", "9" * 30 + "-x", "-1-x"):
        assert page.get(f"/calls/?month={month}&before={wrong}").status_code == 404
    assert page.get(f"/calls/{'9' * 30}/x/").status_code == 404
