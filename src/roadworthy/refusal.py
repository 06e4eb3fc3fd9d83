"""What the command says when it can't go on."""


class Refusal(Exception):
    """Names the thing and the way out, in one paragraph. Nothing was written."""

    exit_code = 1


class BadAnswer(Refusal):
    exit_code = 2


class CantLook(Refusal):
    """The tools that look are broken or missing, or there is nowhere to say what was seen: that is
    not the tree's fault.
    """

    exit_code = 2
