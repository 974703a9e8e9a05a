from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from platform_kit import NOW

from clearline.agreement.months import Month
from clearline.platform.accounts.models import Provider
from clearline.platform.agreements.models import AgreementVersion
from clearline.platform.agreements.services import DEFAULT_AGREEMENT, LARGEST_FILE_BYTES, load_version
from clearline.platform.customers.models import Service

pytestmark = pytest.mark.django_db

TEXT = DEFAULT_AGREEMENT.read_text()


def later(text: str = TEXT, version: str = "2026-07") -> bytes:
    text = text.replace('version: "2022-05-05"', f'version: "{version}"')
    return text.replace("effective: 2022-05-05", "effective: 2026-07-01").encode()


def test_a_month_is_judged_by_the_version_in_force_on_its_first_day(service: Service) -> None:
    load_version(service.agreement.provider, None, later(), "new.yaml", NOW)
    in_force = {month: service.agreement.in_force(Month(2026, month)) for month in (6, 7, 8)}
    assert {month: version and version.version for month, version in in_force.items()} == {
        6: "2022-05-05", 7: "2026-07", 8: "2026-07",
    }  # fmt: skip
    assert service.agreement.in_force(Month(2022, 5)) is None


def test_the_same_file_again_changes_nothing(service: Service) -> None:
    version, problems = load_version(service.agreement.provider, None, TEXT.encode(), "again.yaml", NOW)
    assert (version, problems) == (service.agreement.versions.get(), [])


def test_a_version_never_changes(service: Service) -> None:
    changed = TEXT.replace('target: "99.9"', 'target: "90"').encode()
    version, problems = load_version(service.agreement.provider, None, changed, "x.yaml", NOW)
    assert version is None
    assert problems[0].position == "version"
    assert AgreementVersion.objects.count() == 1


def test_problems_are_shown_with_their_position(service: Service, page: Client) -> None:
    broken = TEXT.replace('target: "99.9"', 'target: "101"')
    answer = page.post("/agreements/add/", {"file": SimpleUploadedFile("x.yaml", broken.encode())})
    assert answer.status_code == 422
    assert "commitments.availability.target" in answer.content.decode()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b"a: b: c", b"x" * (LARGEST_FILE_BYTES + 1)])
def test_hostile_files_are_refused_in_words(provider: Provider, content: bytes) -> None:
    version, problems = load_version(provider, None, content, "x.yaml", NOW)
    assert version is None
    assert problems


def test_the_lint_of_a_new_version_is_shown(page: Client, service: Service) -> None:
    answer = page.post("/agreements/add/", {"file": SimpleUploadedFile("x.yaml", later())}, follow=True)
    text = answer.content.decode()
    assert "What these terms come to" in text
    assert AgreementVersion.objects.get(version="2026-07").effective == date(2026, 7, 1)
