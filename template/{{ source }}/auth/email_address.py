"""The one spelling of an e-mail address under which an account is found."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints


def canonical(address: str) -> str:
    """Lower case and ASCII only; a domain in another script becomes its Punycode.

    Folding other alphabets would let a look-alike (a dotless i, a long s) reach somebody else's
    account; and mail always goes to this spelling, never to what was typed (CWE-178).

    Raises:
        ValueError: it is not an address.
    """
    try:
        parts = validate_email(
            address, strict=True, allow_smtputf8=False, check_deliverability=False
        )
    except EmailNotValidError as error:
        raise ValueError("this is not an e-mail address that can be used here") from error
    return f"{parts.local_part}@{parts.ascii_domain}".lower()


EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(canonical),
    Field(json_schema_extra={"format": "email"}),
]
