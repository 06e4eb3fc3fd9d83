"""Bytes of a file as text, whatever wrote them."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE

_LOOKED_AT = 8192


def decoded(data: bytes) -> str | None:
    """The text of a file; None for one that is binary."""
    binary = b"\0" in data[:_LOOKED_AT] and not _is_utf_16(data)
    return None if binary else text_of(data)


def text_of(data: bytes) -> str:
    """As text, invalid bytes replaced and without a byte order mark.

    UTF-16 is what the `>` of Windows PowerShell writes: `pip freeze > requirements.txt`.
    """
    return data.decode("utf-16" if _is_utf_16(data) else "utf-8-sig", "replace")


def _is_utf_16(data: bytes) -> bool:
    return data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
