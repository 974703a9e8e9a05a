"""What agents ask. Every answer is signed; nothing is read of a request whose signature is not good."""

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from clearline.agreement.moments import datetime_us
from clearline.platform.requests import sender_of
from clearline.platform.vantages import services
from clearline.sensors.agent.signing import SignatureError, read_key, read_request, sign_answer
from clearline.sensors.agent.wire import (
    LONGEST_NAME,
    MOST_BYTES,
    Answer,
    WireError,
    dump_answer,
    read_exchange,
)


@csrf_exempt
@login_not_required
@require_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Use a one-time token, whose key has signed the request, up for the agent's own key."""
    if _too_large(request):
        return _answer(request, 413, {"error": "the request is too large"})
    try:
        signed = read_request(request.headers, request.path, request.body)
        said = json.loads(request.body)
        key, version = str(said["key"]), str(said["version"])[:LONGEST_NAME]
        read_key(key)
        vantage = services.enrol(signed.key, key, version, timezone.now())
    except (SignatureError, services.NotEnrolledError) as error:
        return _answer(request, 401, {"error": str(error)})
    except (ValueError, TypeError, KeyError, RecursionError):
        return _answer(request, 400, {"error": "the request is not what it must be"})
    return _answer(request, 200, {"vantage": vantage.code, "name": vantage.name})


@csrf_exempt
@login_not_required
@require_POST
def exchange(request: HttpRequest) -> HttpResponse:
    """Take in what an agent measured, and tell it the time and what to probe."""
    received_us = datetime_us(timezone.now())
    if _too_large(request):
        return _answer(request, 413, {"error": "the request is too large"})
    try:
        vantage = services.recognise(read_request(request.headers, request.path, request.body))
        said = read_exchange(request.body)
    except (SignatureError, services.NotEnrolledError) as error:
        return _answer(request, 401, {"error": str(error)})
    except services.RevokedError as error:
        return _answer(request, 403, {"error": str(error)})
    except services.OutOfStepError as error:
        return _answer(request, 409, {"error": str(error), "last": error.last})
    except WireError as error:
        return _answer(request, 400, {"error": str(error)})
    refused = services.take_in(vantage, said, sender_of(request), timezone.now())
    targets = services.targets_of(vantage)
    return _signed(request, 200, dump_answer(Answer(received_us, datetime_us(timezone.now()), refused, targets)))


def _too_large(request: HttpRequest) -> bool:
    """Whether the body is longer than allowed; looked at before it is read."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    return not said.isdecimal() or int(said) > MOST_BYTES


def _answer(request: HttpRequest, status: int, said: dict[str, Any]) -> HttpResponse:
    return _signed(request, status, json.dumps(said).encode())


def _signed(request: HttpRequest, status: int, body: bytes) -> HttpResponse:
    headers = sign_answer(services.platform_key(), status, body, request.headers)
    return HttpResponse(body, status=status, headers=headers, content_type="application/json")
