"""The guards: each is a command that looks at a tree and prints SARIF."""
