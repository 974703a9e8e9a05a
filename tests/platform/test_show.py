from datetime import UTC, datetime, timedelta

import pytest

from clearline.platform.web.templatetags import show


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "unknown"),
        (0, "0 s"),
        (850_999, "850 ms"),
        (45_999_999, "45 s"),
        (9_000_000_000, "2 h 30 min"),
        (86_400_000_000, "1 d"),
        (86_399_999_999, "23 h 59 min"),
        (timedelta(minutes=70), "1 h 10 min"),
        (-2_000_000, "-2 s"),
    ],
)
def test_a_duration_is_cut_off_and_never_rounded_up(us: int | timedelta | None, text: str) -> None:
    assert show.duration(us) == text


@pytest.mark.parametrize("none", [None, ""])
def test_what_was_not_measured_is_never_nought(none: None) -> None:
    assert {show.ms(none), show.hundredths(none), show.ppm_percent(none)} == {"not measured"}
    assert show.or_unknown(none) == "unknown"
    assert show.moment(None) == "unknown"


def test_figures_are_cut_off() -> None:
    assert show.ms(12_399) == "12.3 ms"
    assert show.hundredths(399) == "3.99"
    assert show.ppm_percent(48_096) == "4.8096 %"


def test_a_moment_keeps_utc_beside_the_readers_zone() -> None:
    shown = show.moment(datetime(2026, 10, 3, 10, 0, 5, tzinfo=UTC), style="second")
    assert 'datetime="2026-10-03T10:00:05Z"' in shown
    assert 'title="3 Oct 2026, 10:00:05 UTC"' in shown
