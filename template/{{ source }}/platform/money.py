"""Money as an exact amount in a currency; standard library only, so that a domain may use it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation

# ISO 4217, list one: the currencies in use, by the digits that their minor unit has.
_MINOR_UNITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
        CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
        HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
        MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN
        QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
        TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_SMALLEST = {
    code: Decimal(1).scaleb(-digits)
    for digits, codes in _MINOR_UNITS.items()
    for code in codes.split()
}
# Rounding is an error here, never a default: 38 digits hold what NUMERIC columns sum up to.
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation])


@dataclass(frozen=True, slots=True)
class Money:
    """25.00 EUR: never a float, never more digits than the currency has, never silently rounded."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        smallest = _SMALLEST.get(self.currency)
        if smallest is None:
            raise ValueError(f"{self.currency!r} is not a currency of ISO 4217")
        try:
            exact = self.amount.quantize(smallest, context=_EXACT)
        except (Inexact, InvalidOperation):
            exact = None
        if exact is None or not exact.is_finite():
            raise ValueError(f"{self.amount} {self.currency} is not a multiple of {smallest}")
        object.__setattr__(self, "amount", exact)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(_EXACT.multiply(self.amount, Decimal(times)), self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
