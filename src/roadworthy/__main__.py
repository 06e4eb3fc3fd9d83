"""The command, which `python -m roadworthy` is, too."""

import gc
import signal

_OBJECTS = 100_000
"""So many new ones before garbage is looked for: a command is soon over, and keeps nearly all."""


def main() -> None:
    """Ctrl-C ends it without a word from the first moment on, while it is still being read."""
    gc.set_threshold(_OBJECTS)
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import main as command

    signal.signal(signal.SIGINT, handler)
    command()


if __name__ == "__main__":
    main()
