"""Which upstream a path belongs to: the longest prefix wins."""

from collections.abc import Iterator, Mapping

from starlette.types import Scope

from ..platform.problems import BadRequest, NotFound
from .port import Adapter


class Routes:
    """A table from prefix (`/supabase`, or empty for all the rest) to adapter."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._default = adapters.get("")
        self._prefixed = sorted(
            (
                (prefix, f"{prefix}/", prefix.encode(), adapter)
                for prefix, adapter in adapters.items()
                if prefix
            ),
            key=lambda entry: -len(entry[0]),
        )

    def __iter__(self) -> Iterator[Adapter]:
        if self._default is not None:
            yield self._default
        for *_, adapter in self._prefixed:
            yield adapter

    def find(self, scope: Scope) -> Adapter:
        """The adapter for a request.

        Raises:
            BadRequest: the prefix is written in another way than it was configured in, so that
                whoever decides by the decoded path and whoever cuts it off might disagree.
            NotFound: nothing is behind this path.
        """
        path: str = scope["path"]
        for prefix, below, raw, adapter in self._prefixed:
            if path == prefix or path.startswith(below):
                if not scope["raw_path"].startswith(raw):
                    raise BadRequest("This path is not written plainly.", code="target")
                return adapter
        if self._default is None:
            raise NotFound("Nothing is here.")
        return self._default
