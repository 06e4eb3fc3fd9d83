"""stub"""

from roadworthy.inspection import Inspection


def page(inspection: Inspection) -> str:
    return ""
