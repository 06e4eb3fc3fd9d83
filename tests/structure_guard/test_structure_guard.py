"""The guard `structure`: what is resolved, and the map that the report draws."""

from pathlib import Path
from typing import Any

from guardrails.engine.tree import Tree, walk
from guardrails.guards.structure import look
from guardrails.guards.structure.imports import imports
from guardrails.guards.structure.resolving import Resolver

PAGE = "import { supabase } from '@/integrations/supabase/client'\nexport default () => null\n"


def laid_out(folder: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return walk(folder)


def targets(tree: Tree, path: str) -> list[str]:
    text = tree.text(path)
    assert text is not None
    return [entry.target for entry in imports(Resolver(tree), path, text)]


def test_typescript_is_resolved_through_paths_indexes_and_endings(tmp_path: Path) -> None:
    tree = laid_out(
        tmp_path,
        {
            "web/tsconfig.json": '{"compilerOptions": {"paths": {"#lib/*": ["./src/lib/*"]}}}',
            "web/src/lib/money.ts": "",
            "web/src/lib/dates/index.ts": "",
            "web/src/view.tsx": "",
            "web/src/app.ts": (
                "import { a } from '#lib/money'\nimport d from './lib/dates'\n"
                "import {\n  View,\n} from '@/view.js'\n/* import x from './gone' */\n"
            ),
        },
    )
    assert targets(tree, "web/src/app.ts") == [
        "web/src/lib/money.ts",
        "web/src/lib/dates/index.ts",
        "web/src/view.tsx",
    ]


def test_python_is_resolved_from_each_root_above(tmp_path: Path) -> None:
    tree = laid_out(
        tmp_path,
        {
            "backend/app/__init__.py": "",
            "backend/app/models.py": "",
            "backend/app/api/users.py": "from app.models import User\nfrom ..models import Role\n",
        },
    )
    assert targets(tree, "backend/app/api/users.py") == ["backend/app/models.py"] * 2


def test_the_map_has_modules_and_marks_what_breaks_a_boundary(tmp_path: Path) -> None:
    files = {f"src/pages/P{number}.tsx": PAGE for number in range(4)}
    files["src/integrations/supabase/client.ts"] = "export const supabase = 1\n"
    facts: Any = look(laid_out(tmp_path, files)).facts["modules"]
    assert {node["id"]: node["files"] for node in facts["nodes"]} == {
        "src/integrations": 1,
        "src/pages": 4,
    }
    (edge,) = facts["edges"]
    assert (edge["from"], edge["to"]) == ("src/pages", "src/integrations")
    assert (edge["count"], edge["broken"]) == (4, 4)


def test_a_long_chain_of_imports_is_no_recursion(tmp_path: Path) -> None:
    files = {f"src/m{n}.ts": f"import './m{(n + 1) % 3000}'\n" for n in range(3000)}
    (finding,) = look(laid_out(tmp_path, files)).findings
    assert finding.rule == "arch.cycle"
    assert "3000 files" in finding.message


def test_python_is_read_as_python(tmp_path: Path) -> None:
    tree = laid_out(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/a.py": (
                '"""\nfrom shop.never import x\n"""\nimport typing\n'
                "try:\n    from shop import tried\nexcept ImportError:\n    tried = None\n"
                "if typing.TYPE_CHECKING:\n    from shop import typed\n"
                "def late():\n    import shop.called\n"
            ),
            "shop/half.py": "from shop import tried\nprint 'of another Python'\n",
            "shop/deep.py": "x = " + "(" * 9000 + ")" * 9000 + "\nfrom shop import tried\n",
            **{f"shop/{name}.py": "" for name in ("never", "tried", "typed", "called")},
        },
    )
    text = tree.text("shop/a.py") or ""
    found = {entry.target: entry.eager for entry in imports(Resolver(tree), "shop/a.py", text)}
    assert found == {"shop/tried.py": True, "shop/typed.py": False, "shop/called.py": False}
    assert targets(tree, "shop/half.py") == targets(tree, "shop/deep.py") == ["shop/tried.py"]


def test_scripts_find_packages_of_their_own_repository_and_a_base_url(tmp_path: Path) -> None:
    tree = laid_out(
        tmp_path,
        {
            "packages/kit/package.json": '{"name": "@acme/kit", "main": "dist/index.js"}',
            "packages/kit/src/index.ts": "",
            "packages/kit/src/Button.tsx": "",
            "apps/web/tsconfig.json": '{"compilerOptions": {"baseUrl": "src"}}',
            "apps/web/src/lib/money.ts": "",
            "apps/web/src/App.tsx": (
                "import { Button } from '@acme/kit'\nimport Deep from '@acme/kit/Button'\n"
                "import { money } from 'lib/money'\nimport React from 'react'\n"
            ),
        },
    )
    assert targets(tree, "apps/web/src/App.tsx") == [
        "packages/kit/src/index.ts",
        "packages/kit/src/Button.tsx",
        "apps/web/src/lib/money.ts",
    ]
