"""Money: an exact amount of a currency that exists, and the one rounding there is."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

CODES_BY_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
        GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
        MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
        QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD
        TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Digits of the minor unit → the currencies of list one of ISO 4217 that have it.

Codes without a minor unit (metals, bond units, testing) are left out. ANG and BGN were withdrawn in 2025; months before
that are still judged in them.
"""

MINOR_UNITS: dict[str, int] = {code: digits for digits, codes in CODES_BY_DIGITS.items() for code in codes.split()}
"""ISO 4217 currency code → digits of its minor unit."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency. The amount is exact; it has the minor unit's digits once it was rounded.

    Attributes:
        amount: in the currency's major unit.
        currency: ISO 4217 code, a key of `MINOR_UNITS`.
    """

    amount: Decimal
    currency: str

    @classmethod
    def rounded(cls, amount: Fraction, currency: str) -> "Money":
        """Round an exact amount to the currency's minor unit, half-up (a half goes away from zero).

        This is the only rounding of money in the program, and each amount goes through it once.
        """
        digits = MINOR_UNITS[currency]
        scaled = abs(amount) * 10**digits
        minor = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
        # Made of text, since Decimal's own arithmetic would round to the precision of its context.
        return cls(Decimal(f"{'-' if amount < 0 else ''}{minor}E-{digits}"), currency)

    @property
    def exact(self) -> Fraction:
        """The amount as a fraction, to calculate with."""
        return Fraction(self.amount)

    def to_json(self) -> dict[str, str]:
        """The amount as FORMATS has money: decimals as text."""
        return {"amount": f"{self.amount:f}", "currency": self.currency}

    def __str__(self) -> str:
        return f"{self.amount:,f} {self.currency}"
