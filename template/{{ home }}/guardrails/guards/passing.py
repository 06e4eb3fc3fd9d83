"""Names of what a server keeps for its own sake, and what is nobody's record."""

import re

PASSING = re.compile(
    r"cache|memo|limit|attempt|tries|hits|count|log|socket|connection|client|session|token|otp|lock"
    r"|metric|stat|queue|job|task|registry|handler|route|plugin|timer|listener|header|param",
    re.IGNORECASE,
)
