"""`python -m` this package: the same as the command it installs."""

from .app import main

if __name__ == "__main__":
    main()
