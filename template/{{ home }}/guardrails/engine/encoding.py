"""Bytes of a file as text, whatever wrote them."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder

_LOOKED_AT = 8192
_OF_TEXT = 100  # one NUL in so many bytes at most; an archive of texts has more


def decoded(data: bytes) -> str | None:
    """The text of a file; None for one that is binary."""
    begin = data[:_LOOKED_AT]
    binary = b"\0" in begin and not _is_utf_16(data) and not _is_code(begin)
    return None if binary else text_of(data)


def _is_code(begin: bytes) -> bool:
    """Whether it is UTF-8 with a NUL somewhere, as a pattern for control characters may have.

    Taken for binary it would hide the rest of the file from whoever looks for faults.
    """
    if begin.count(b"\0") * _OF_TEXT > len(begin):
        return False
    try:
        getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return False
    return True


def text_of(data: bytes) -> str:
    """As text, invalid bytes replaced and without a byte order mark.

    UTF-16 is what the `>` of Windows PowerShell writes: `pip freeze > requirements.txt`.
    """
    return data.decode("utf-16" if _is_utf_16(data) else "utf-8-sig", "replace")


def _is_utf_16(data: bytes) -> bool:
    return data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
