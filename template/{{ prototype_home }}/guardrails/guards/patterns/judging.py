"""All judges by the name under which rules call them."""

from . import (
    judges_access,
    judges_answers,
    judges_appended,
    judges_crypto,
    judges_data,
    judges_failures,
    judges_filters,
    judges_input,
    judges_limits,
    judges_mongo,
    judges_operations,
    judges_payments,
    judges_pretence,
    judges_secrets,
    judges_uploads,
)
from .case import Judge

JUDGES: dict[str, Judge] = {
    **judges_input.JUDGES,
    **judges_answers.JUDGES,
    **judges_appended.JUDGES,
    **judges_access.JUDGES,
    **judges_crypto.JUDGES,
    **judges_operations.JUDGES,
    **judges_data.JUDGES,
    **judges_failures.JUDGES,
    **judges_filters.JUDGES,
    **judges_limits.JUDGES,
    **judges_mongo.JUDGES,
    **judges_payments.JUDGES,
    **judges_pretence.JUDGES,
    **judges_secrets.JUDGES,
    **judges_uploads.JUDGES,
}
