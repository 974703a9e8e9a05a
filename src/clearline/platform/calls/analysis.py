"""The analysis of an uploaded capture: file in, records and a summary out. Begun twice, it changes nothing twice."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import structlog
from django.utils import timezone

from clearline.agreement.moments import utc
from clearline.platform.calls.models import Upload
from clearline.platform.calls.transcript import Owner, transcribe
from clearline.platform.jobs.lease import extend, finish
from clearline.platform.measurements import records
from clearline.records.errors import RecordsError
from clearline.records.schema import CallRecord
from clearline.voice.analysis import Analysis, CaptureError, analyze

log = structlog.get_logger(__name__)

PIECE_BYTES = 1 << 20
"""A capture is read so much at a time; between two pieces the worker can be asked to end."""

BATCH = 500
"""Records appended at once."""


class WorkerEndsError(Exception):
    """The worker was asked to end: the capture goes back to the others."""


def analyse_upload(upload: Upload, lease: timedelta, ends: Callable[[], bool]) -> None:
    """Analyse a claimed capture and keep what was found in it.

    Raises:
        WorkerEndsError: the worker was asked to end, or another one has taken over.
    """

    def on_progress(taken: int) -> None:
        if ends() or not extend(upload, timezone.now(), lease):
            raise WorkerEndsError
        Upload.objects.filter(pk=upload.pk).update(read_bytes=taken)

    try:
        analysis = analyze(_pieces(upload.path), upload.name, on_progress=on_progress)
        found = transcribe(analysis, _owner(upload))
        for at in range(0, len(found), BATCH):
            records().append(found[at : at + BATCH])
    except CaptureError as error:
        finish(upload, Upload.State.FAILED, f"This is not a capture that can be read: {error}.")
    except (OSError, RecordsError) as error:
        log.exception("capture could not be analysed", upload=upload.pk)
        finish(upload, Upload.State.FAILED, f"It could not be analysed: {error}. Nothing was lost; try it again.")
    except WorkerEndsError:
        raise
    except Exception:  # a capture that trips the analyser must not end the worker
        log.exception("analysis failed", upload=upload.pk)
        finish(upload, Upload.State.FAILED, "The analysis failed on this capture; the worker's log has the details.")
    else:
        _summarise(upload, analysis, [row.start_us for row in found if isinstance(row, CallRecord)])


def retry(upload: Upload) -> None:
    """Have a capture that failed analysed again."""
    Upload.objects.filter(pk=upload.pk, state=Upload.State.FAILED).update(
        state=Upload.State.WAITING, error="", attempt=0, read_bytes=0, due_at=timezone.now()
    )


def _summarise(upload: Upload, analysis: Analysis, starts_us: list[int]) -> None:
    Upload.objects.filter(pk=upload.pk).update(
        packets=analysis.packets,
        malformed=analysis.malformed,
        calls=len(starts_us),
        streams=len(analysis.streams),
        first_at=utc(min(starts_us)) if starts_us else None,
        last_at=utc(max(starts_us)) if starts_us else None,
    )
    finish(upload, Upload.State.DONE)


def _owner(upload: Upload) -> Owner:
    service = upload.service
    return Owner(service.customer.provider.tenant, service.customer.code, service.code, upload.source)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
