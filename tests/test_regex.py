"""Patterns that are compiled late are what `re` makes of them."""

import pkgutil
import re
from importlib import import_module

import guardrails.guards
import pytest
from guardrails.engine import regex


def test_a_pattern_does_what_one_of_re_does() -> None:
    late, own = (it.compile(r"(?P<name>\w+)@\w+", it.IGNORECASE) for it in (regex, re))
    text = "ada@home, Bob@work"
    assert late.findall(text) == own.findall(text)
    assert late.sub("-", text) == late.sub("-", text) == own.sub("-", text)
    assert (late.pattern, late.flags, late.groups) == (own.pattern, own.flags, own.groups)


def test_what_is_no_pattern_is_refused_as_it_is_used() -> None:
    broken = regex.compile("(")
    with pytest.raises(re.error):
        broken.search("")


def test_every_pattern_of_the_guards_is_one() -> None:
    found = 0
    for entry in pkgutil.walk_packages(guardrails.guards.__path__, "guardrails.guards."):
        if entry.name.endswith("__main__"):
            continue
        for value in vars(import_module(entry.name)).values():
            if type(value) is type(regex.compile("")):
                assert value.flags is not None
                found += 1
    assert found > 100
