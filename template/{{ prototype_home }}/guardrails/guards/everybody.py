"""Whom a role lets in, for every guard that reads one."""

import re

EVERYBODY = re.compile(
    r"\s*['\"](?:customer|client|buyer|shopper|user|member|guest|tenant|renter|patient|student"
    r"|passenger|rider|driver|courier|worker|freelancer|candidate|job_?seeker|applicant|donor"
    r"|volunteer|seller|vendor|merchant|landlord|host|parent|business|individual|personal)['\"]",
    re.IGNORECASE,
)
"""A role that whoever signs up has: it opens the page, not everybody else's records."""
