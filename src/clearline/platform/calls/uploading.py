"""Taking in a capture file: bounded, durable, named by its content."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.db import transaction

from clearline.platform.accounts.models import User
from clearline.platform.audit.services import record
from clearline.platform.calls.models import Upload, captures_of
from clearline.platform.customers.models import Service

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

MIB = 1024 * 1024


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Stops reading an uploaded file at the limit of the settings, so that nobody fills the disk by one request."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a piece, or stop."""
        if start + len(raw_data) > settings.CLEARLINE.upload_limit_mb * MIB:
            if self.request is not None:
                self.request.META["clearline.upload_too_large"] = "yes"
            raise StopUpload(connection_reset=False)
        super().receive_data_chunk(raw_data, start)
        return None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an uploaded file."""

    upload: Upload
    known: bool
    """The same capture had been uploaded for this service before: nothing changes."""


def take_in(service: Service, file: "UploadedFile[Any]", actor: User, now: datetime) -> Taken:
    """Keep a capture of a service and have it analysed. It is on the disk before this returns."""
    sha256 = _keep(file, captures_of(actor.provider.tenant))
    with transaction.atomic():
        upload, created = Upload.objects.get_or_create(
            service=service,
            sha256=sha256,
            defaults={
                "name": file.name or "capture",
                "size_bytes": file.size or 0,
                "uploaded_at": now,
                "uploaded_by": actor,
                "due_at": now,
            },
        )
        if created:
            details = {"service": service.code, "name": upload.name, "sha256": sha256}
            record(actor.provider, actor, "capture.uploaded", service.code, details, now=now)
    return Taken(upload, known=not created)


def _keep(file: "UploadedFile[Any]", directory: Path) -> str:
    """Copy a file under its digest: first under another name, then renamed once it is whole and synced."""
    directory.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=directory, prefix=".taking-", delete=False) as scratch:
        for piece in file.chunks():
            digest.update(piece)
            scratch.write(piece)
        scratch.flush()
        os.fsync(scratch.fileno())
    Path(scratch.name).rename(directory / digest.hexdigest())
    return digest.hexdigest()
