"""The guard of the project's own contracts: imports, cycles and sizes that one of them rules out.

The contracts are in `boundaries.toml`; without one there is nothing to hold.
"""

import sys
from collections.abc import Iterator

from ..boundaries.breaches import breaches, empty
from ..boundaries.code import Code, read
from ..boundaries.contracts import Contract, load
from ..engine.finding import Evidence, Finding, NotLooked, Place
from ..engine.guard import Looked, main
from ..engine.tree import Tree

RULE = "arch.contract-broken"


def look(tree: Tree) -> Looked:
    """Raises BrokenContracts: the contracts can't be understood."""
    contracts = load(tree.root)
    if not contracts:
        return Looked([])
    code = read(tree)
    missed = [
        NotLooked(contract.name, f"its `{key}` fits no file any more; see boundaries.toml", (RULE,))
        for contract in contracts
        if (key := empty(contract, code))
    ]
    return Looked([found for contract in contracts for found in _broken(contract, code)], missed)


def _broken(contract: Contract, code: Code) -> Iterator[Finding]:
    for breach in breaches(contract, code):
        yield Finding(
            RULE,
            Place(breach.path, breach.line, snippet=breach.text, symbol=contract.name),
            f'{breach.path} {breach.how}: the contract "{contract.name}" ({contract.kind}) rules '
            f"that out. {contract.instead or breach.way_out}",
            evidence=Evidence.EXACT,
            detail={"contract": contract.name, "kind": contract.kind},
        )


if __name__ == "__main__":
    sys.exit(main("boundaries", look))
