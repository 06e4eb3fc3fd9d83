"""Braces in the text of a program, for what is looked at without its syntax tree."""


def closing_brace(text: str, at: int) -> int:
    """Where the brace closes whose inside begins at `at`; the end of the text where none does."""
    depth = 1
    while at < len(text):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return at
        at += 1
    return at
