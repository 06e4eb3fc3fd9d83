"""What is backed up without a program that dumps it, as the stream that an archive takes."""

from collections.abc import Iterable

from ...platform.backups.encryption import PiecesSource


class PiecesDump:
    """A dump that is made piece by piece; it fails by raising."""

    def __init__(self, name: str, pieces: Iterable[bytes]) -> None:
        self.name = name
        self.output = PiecesSource(pieces)

    def complaint(self) -> str | None:
        return None
