"""Braces in the text of a program, for what is looked at without its syntax tree."""


def closing_brace(text: str, at: int) -> int:
    """Where the brace closes whose inside begins at `at`; the end of the text where none does."""
    open_ = 1
    while at < len(text):
        open_ += (text[at] == "{") - (text[at] == "}")
        if open_ == 0:
            return at
        at += 1
    return at


def depth(text: str, start: int, end: int) -> int:
    """How many more braces are opened than closed."""
    return text.count("{", start, end) - text.count("}", start, end)
