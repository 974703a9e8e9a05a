"""Money is exact until its one rounding: half-up to the currency's minor unit."""

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.agreement.figures import plain, truncated
from clearline.agreement.money import CODES_BY_DIGITS, MINOR_UNITS, Money


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.004", "USD", "0.00"),
        ("0.005", "USD", "0.01"),
        ("0.0149999", "USD", "0.01"),
        ("2.675", "EUR", "2.68"),
        ("1000", "EUR", "1000.00"),
        ("0.5", "JPY", "1"),
        ("0.499", "JPY", "0"),
        ("1234", "JPY", "1234"),
        ("0.0005", "KWD", "0.001"),
        ("1.2344", "KWD", "1.234"),
        ("0.00005", "CLF", "0.0001"),
        ("-0.005", "USD", "-0.01"),
        ("-0.004", "USD", "-0.00"),
    ],
)
def test_an_amount_is_rounded_half_up_to_the_minor_unit(amount: str, currency: str, rounded: str) -> None:
    money = Money.rounded(Fraction(amount), currency)
    assert f"{money.amount:f}" == rounded
    assert money.currency == currency


@given(st.fractions(), st.sampled_from(["JPY", "EUR", "KWD", "CLF"]))
def test_rounding_is_never_further_off_than_half_a_minor_unit(amount: Fraction, currency: str) -> None:
    unit = Fraction(1, 10 ** MINOR_UNITS[currency])
    money = Money.rounded(amount, currency)
    assert abs(money.exact - amount) <= unit / 2
    assert money.exact % unit == 0
    assert Money.rounded(money.exact, currency) == money
    assert Money.rounded(-amount, currency).exact == -money.exact


def test_rounding_does_not_depend_on_the_callers_decimal_context() -> None:
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_DOWN):
        money = Money.rounded(Fraction("123456789012345678901234567890.125"), "USD")
    assert money.amount == Decimal("123456789012345678901234567890.13")


def test_an_unknown_currency_cannot_be_rounded_to() -> None:
    with pytest.raises(KeyError):
        Money.rounded(Fraction(1), "XYZ")


def test_each_currency_has_one_minor_unit() -> None:
    codes = [code for codes in CODES_BY_DIGITS.values() for code in codes.split()]
    assert len(codes) == len(set(codes)) == len(MINOR_UNITS)
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in codes)
    assert (MINOR_UNITS["USD"], MINOR_UNITS["JPY"], MINOR_UNITS["KWD"], MINOR_UNITS["UYW"]) == (2, 0, 3, 4)


def test_money_is_written_with_text_for_programs_and_with_commas_for_people() -> None:
    money = Money(Decimal("1234.50"), "EUR")
    assert money.to_json() == {"amount": "1234.50", "currency": "EUR"}
    assert str(money) == "1,234.50 EUR"
    assert Money(Decimal("1E+3"), "EUR").to_json()["amount"] == "1000"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Fraction(2662200, 26712), "99.6630"),
        (Fraction("99.99999"), "99.9999"),
        (Fraction(100), "100.0000"),
        (Fraction(1, 10**5), "0.0000"),
        (Fraction("-0.00001"), "0.0000"),
        (Fraction("-1.99999"), "-1.9999"),
        (Fraction("0.00019"), "0.0001"),
        (Fraction("-0.5"), "-0.5000"),
    ],
)
def test_a_figure_is_cut_off_and_never_rounded_up(value: Fraction, written: str) -> None:
    assert truncated(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [("1", "1"), ("10", "10"), ("0", "0"), ("2.5", "2.5"), ("0.23692722", "0.2369"), ("100", "100")],
)
def test_a_count_is_written_as_short_as_it_is(value: str, written: str) -> None:
    assert plain(Fraction(value)) == written
