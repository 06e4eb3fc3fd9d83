"""Folders for what is new: one that is taken gets another name, and keeps it."""

from collections.abc import Callable

from roadworthy.refusal import Refusal

SERVICE = ("service", "guarded-service", "service-in-front", "front-service")
HOME = (".", "guarded", "guarded-by", "guardrails-home")
_IN_HOME = ("guardrails", "ops")

Taken = Callable[[str], bool]


def service_folder(taken: Taken) -> str:
    return _first_free(SERVICE, lambda name: [name], taken)


def home_folder(taken: Taken) -> str:
    """Where guardrails/ and ops/ go: the repository itself, or a folder that is not there yet."""
    return _first_free(HOME, _in_home, taken)


def _in_home(home: str) -> list[str]:
    return list(_IN_HOME) if home == "." else [home]


def _first_free(names: tuple[str, ...], places: Callable[[str], list[str]], taken: Taken) -> str:
    for name in names:
        if not any(taken(place) for place in places(name)):
            return name
    tried = ", ".join(name for name in names if name != ".")
    raise Refusal(
        f"There is no place for the new files: {tried} are all taken. Name a free folder with "
        "-d service_dir=NAME or -d home=NAME."
    )
