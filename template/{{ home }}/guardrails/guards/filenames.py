"""What a file is by its name, the same for every guard."""

import re

_TEST = re.compile(
    r"(^|/)(_{0,2}tests?_{0,2}|_{0,2}mocks?_{0,2}|spec|testdata|e2e|cypress|playwright)/"
    r"|(^|(?<!api)/)fixtures?/"
    r"|(^|/)(test_[^/]*|[^/]*_test|tests|conftest)\.\w+$"
    r"|[._](test|spec|stories|story|e2e|cy)\.\w+$|-(test|spec|stories|e2e)\.[cm]?[jt]sx?$"
    r"|(^|/)((jest|vitest|playwright|cypress)[.-][\w.-]+|setup[-_.]?tests?[\w.-]*"
    r"|tests?[-_.]?setup[\w.-]*|(global|env)[-_.]?setup)\.[cm]?[jt]sx?$",
    re.IGNORECASE,
)


def is_test(path: str) -> bool:
    """Whether it serves the tests: a test, its fixtures and stand-ins, what sets them up."""
    return _TEST.search(path) is not None
