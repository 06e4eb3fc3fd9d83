"""`python -m roadworthy`: the same as the command it installs."""

from .cli import main

main()
