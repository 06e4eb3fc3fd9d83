"""Names of what is a person's own, even where a list of it forgets to say whose."""

import re

PRIVATE = re.compile(
    r"user|account|customer|client|patient|order|book(?:ing|ed)|appoint|reserv|payment|invoic|transact|messag"
    r"|conversation|chat|notif|address|cart|wallet|enrol|record|prescri|student|employ|ticket|lead"
    r"|inquir|enquir|document|file|contract|salar|payroll|member|session|token|subscri|applicat"
    r"|report|balance|ledger|donor|admin|medic|health|expens|budget|^bids?$|propos|quotation",
    re.IGNORECASE,
)
