"""What the pages of an administration hand out."""

import re

from .access import Case
from .signs import ADMIN_PATH

_OF_THE_HOUSE = re.compile(
    r"\b(?:FROM|JOIN)\s+[\"`]?\w*(?:payments?|orders?|bookings?|users?|students?|customers?|invoices?)\b"
    r"|\b(?:prisma|db|tx|query)\.\w*(?:payment|order|booking|user|student|customer|invoice)\w*\.\w+\("
    r"|\b\w*(?:Payment|Order|Booking|User|Student|Customer|Invoice)\.(?:find|aggregate|count)\w*\("
    r"|\.from\(\s*['\"]?\w*(?:payments?|orders?|bookings?|users?|students?|customers?|invoices?|profiles?"
    r"|applications?|drivers?|members?|patients?|employees?)\b"
    r"|\bstorage\.(?:get|list|find)\w*(?:Payment|Order|Booking|User|Student|Customer|Invoice|Stats)\w*\(",
    re.IGNORECASE,
)
_ENTRANCE = re.compile(r"log-?in|sign-?in|set-?up|init|exists|verify|health|auth", re.IGNORECASE)


def of_the_house(case: Case) -> bool:
    """What the administration's own pages add up of sales and people; a list of categories that
    stands there, too, may be for anybody.
    """
    return (
        ADMIN_PATH.search(case.route.path) is not None
        and not _ENTRANCE.search(case.route.path)
        and _OF_THE_HOUSE.search(case.code) is not None
    )
