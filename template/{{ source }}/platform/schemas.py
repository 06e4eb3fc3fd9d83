"""The types that request and response bodies are made of."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NaiveDatetime,
    StringConstraints,
    WithJsonSchema,
)

from .money import Money

WallTime = Annotated[
    NaiveDatetime,
    WithJsonSchema(
        {"type": "string", "format": "date-time-local", "examples": ["2026-05-04T19:30:00"]}
    ),
]
"""What a clock shows somewhere: no offset (the format is of the OpenAPI Format Registry)."""

_AMOUNT = r"^-?[0-9]{1,12}(\.[0-9]{1,4})?$"  # fits NUMERIC(19, 4), with room for sums
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RequestBody(BaseModel):
    """Refuses fields that it does not name: no mass assignment (ASVS 15.3.3, CWE-915)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ResponseBody(BaseModel):
    """Sends the fields that it names and no others (ASVS 15.3.1)."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _printable(text: str) -> str:
    if _CONTROL.search(text):  # PostgreSQL stores no NUL, and a log line must stay one line
        raise ValueError("control characters and line breaks are not allowed")
    return text


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_printable),
]


def _exact_amount(value: Any) -> Any:
    """A JSON number has been through a float somewhere on its way; digits in a string have not."""
    if isinstance(value, Money):
        return value
    amount = value.get("amount") if isinstance(value, dict) else None
    if not isinstance(amount, str) or not re.fullmatch(_AMOUNT, amount):
        raise ValueError('expected such as {"amount": "25.00", "currency": "EUR"}')
    return {**value, "amount": Decimal(amount)}


def _schema_of_money(amount: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "amount": {"type": "string", "pattern": amount, "examples": ["25.00"]},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR"]},
        },
        "required": ["amount", "currency"],
        "additionalProperties": False,
    }


MoneyField = Annotated[
    Money,
    BeforeValidator(_exact_amount),
    WithJsonSchema(_schema_of_money(_AMOUNT), mode="validation"),
    WithJsonSchema(_schema_of_money(r"^-?[0-9]+(\.[0-9]+)?$"), mode="serialization"),
]
