"""Fixtures of yours, beside the platform's."""

pytest_plugins = ["tests.platform.fixtures"]
