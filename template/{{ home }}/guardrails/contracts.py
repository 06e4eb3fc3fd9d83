"""A contract for import-linter: siblings know each other only through what they publish."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublishedContract(Contract):
    """Each package below `package` may be imported by its siblings, its modules may not.

    What a package publishes is what its `__init__` names.
    """

    type_name = "published"

    package = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        siblings = graph.find_children(str(self.package)) if self._exists(graph) else set()
        trespasses = []
        for imported_sibling in sorted(siblings):
            for inside in sorted(graph.find_descendants(imported_sibling)):
                for importer in sorted(graph.find_modules_that_directly_import(inside)):
                    if any(
                        _is_within(importer, sibling)
                        for sibling in siblings
                        if sibling != imported_sibling
                    ):
                        trespasses.extend(
                            graph.get_import_details(importer=importer, imported=inside)
                        )
        return ContractCheck(kept=not trespasses, metadata={"trespasses": trespasses})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for trespass in check.metadata["trespasses"]:
            output.print_error(
                f"{trespass['importer']}:{trespass['line_number']} imports "
                f"{trespass['imported']}, which its feature does not publish. Import it from the "
                "feature itself, and let its __init__ name it."
            )

    def _exists(self, graph: ImportGraph) -> bool:
        return str(self.package) in graph.modules


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
