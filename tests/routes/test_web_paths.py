"""Paths of every framework in the one notation of gate.toml."""

import pytest
from guardrails.guards.web_paths import nature, patterns


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ["/"]),
        ("", ["/"]),
        ("/a/b/", ["/a/b"]),
        ("/a/:id", ["/a/{id}"]),
        ("/a/:id?", ["/a", "/a/{id}"]),
        (r"/a/:id(\d+)", ["/a/{id}"]),
        ("/a/:from-:to", ["/a/{part2}"]),
        ("/files/*", ["/files/**"]),
        ("/files/*splat", ["/files/**"]),
        ("/{*rest}", ["/**"]),
        ("/a/{id}", ["/a/{id}"]),
        ("/a/{id:int}/b", ["/a/{id}/b"]),
        ("/f/{rest:path}", ["/f/**"]),
        ("/j/<int:job_id>/x", ["/j/{job_id}/x"]),
        ("/f/<path:rest>", ["/f/**"]),
        ("/[id]/edit", ["/{id}/edit"]),
        ("/[...slug]", ["/**"]),
        ("/docs/[[...slug]]", ["/docs", "/docs/**"]),
        (r"^jobs/(?P<id>\d+)/$", ["/jobs/{part2}"]),
        ("/report.pdf", ["/report.pdf"]),
        ("/a b", ["/{part1}"]),
        ('/a"\n"/b', ["/{part1}/b"]),
        ("/${base}/x", ["/{part1}/x"]),
        ("/user/{user-id}", ["/user/{part2}"]),
    ],
)
def test_a_path_in_the_gates_notation(path: str, expected: list[str]) -> None:
    assert list(patterns(path)) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/auth/login", "log-in"),
        ("/sign-up/", "log-in"),
        ("/auth/token", "log-in"),
        ("/healthz", "health"),
        ("/", "front page"),
        ("/api/login-attempts", ""),
        ("/users/{id}", ""),
        ("/api/tokens", ""),
    ],
)
def test_the_nature_of_a_path(path: str, expected: str) -> None:
    assert nature(path) == expected
