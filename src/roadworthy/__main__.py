"""The command, which `python -m roadworthy` is, too."""

import signal


def main() -> None:
    """Ctrl-C ends it without a word from the first moment on, while it is still being read."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import main as command

    signal.signal(signal.SIGINT, handler)
    command()


if __name__ == "__main__":
    main()
