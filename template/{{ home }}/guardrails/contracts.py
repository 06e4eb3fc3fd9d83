"""A contract for import-linter: packages are known only through what they publish."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class PublishedContract(Contract):
    """Each package below `package` may be imported, its modules by itself and `composed_by` alone.

    What a package publishes is what its `__init__` names. Who lies beside `package` is held to it
    as well: through a module of theirs one package would reach into another.
    """

    type_name = "published"

    package = fields.StringField()
    composed_by = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        packages = graph.find_children(str(self.package)) if self._exists(graph) else set()
        trespasses = []
        for published in sorted(packages):
            for inside in sorted(graph.find_descendants(published)):
                for importer in sorted(graph.find_modules_that_directly_import(inside)):
                    if not _is_within(importer, published) and importer != str(self.composed_by):
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
