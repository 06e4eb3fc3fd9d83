"""The gates of `make check`: each a command of its own that says what is wrong and the way out."""
