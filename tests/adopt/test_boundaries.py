"""Boundaries: what the imports keep to is proposed, recorded, and held against planted breaches."""

import subprocess
import sys
from pathlib import Path

import pytest
from guardrails.__main__ import main
from guardrails.boundaries.__main__ import main as boundaries
from guardrails.boundaries.breaches import breaches, empty
from guardrails.boundaries.code import read
from guardrails.boundaries.contracts import BrokenContracts, Contract, Independent, parse
from guardrails.boundaries.globs import BadGlob, matching
from guardrails.boundaries.proposal import propose
from guardrails.engine.guards import load_guards
from guardrails.engine.tree import walk
from prototype_trees import TREES
from stamping import Project

ONLY_BOUNDARIES = [
    word for guard in load_guards() if guard.name != "boundaries"
    for word in ("--without", guard.name)
]  # fmt: skip

WEB = {
    "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
    "src/App.tsx": "import Home from './pages/Home'\nimport Orders from './pages/Orders'\n"
    "import Sign from './pages/Sign'\nimport Till from './pages/Till'\n",
    "src/pages/Home.tsx": "import { List } from '@/components/List'\n"
    "import { useOrders } from '@/hooks/useOrders'\nimport { Cart } from '@/features/cart'\n",
    "src/pages/Orders.tsx": "import { supabase } from '@/integrations/supabase/client'\n"
    "import { List } from '@/components/List'\n",
    "src/pages/Sign.tsx": "import { supabase } from '@/integrations/supabase/client'\n",
    "src/pages/Till.tsx": "import { Cart } from '@/features/cart'\n",
    "src/components/List.tsx": "import { money } from '@/lib/money'\nexport const List = money\n",
    "src/components/ui/toast.tsx": "import { useToast } from '@/hooks/use-toast'\n",
    "src/features/cart/index.ts": "export { Cart } from './Cart'\n",
    "src/features/cart/Cart.tsx": "import { rate } from '../prices'\nexport const Cart = rate\n",
    "src/features/prices/index.ts": "export { rate } from './rate'\n",
    "src/features/prices/rate.ts": "export const rate = 2\n",
    "src/hooks/use-toast.ts": "import { Toast } from '@/components/ui/toast'\n",
    "src/hooks/useOrders.ts": "import { supabase } from '@/integrations/supabase/client'\n"
    "import { money } from '../lib/money'\nexport const useOrders = () => supabase\n",
    "src/integrations/supabase/client.ts": "import { createClient } from '@supabase/supabase-js'\n"
    "export const supabase = createClient('', '')\n",
    "src/lib/money.ts": "export const money = 1\n",
    "supabase/functions/pay/index.ts": "import { serve } from 'https://deno.land/std/server.ts'\n"
    "import { createClient } from 'npm:@supabase/supabase-js@2'\n",
}
SHOP = {
    "shop/__init__.py": "",
    "shop/main.py": "from fastapi import FastAPI\nfrom shop.routers import orders, users, stock\n",
    "shop/routers/__init__.py": "from . import orders, users\n",
    "shop/routers/orders.py": "from ..services.orders import open_orders\n",
    "shop/routers/users.py": "from shop.services import users\n",
    "shop/routers/stock.py": "from shop.services.orders import open_orders\n",
    "shop/services/__init__.py": "",
    "shop/services/orders.py": "from shop.models import Order\nfrom shop.database import Session\n",
    "shop/services/users.py": "from shop.models import User\n",
    "shop/models.py": "from shop.database import Base\n",
    "shop/database.py": "from sqlalchemy import create_engine\n"
    "engine = create_engine('sqlite://')\n",
}
MONOREPO = {
    "apps/web/package.json": '{"name": "web"}',
    "apps/web/src/pages/Home.tsx": "import { Button } from '@acme/kit'\n"
    "import { useHome } from '../hooks/useHome'\n",
    "apps/web/src/hooks/useHome.ts": "export const useHome = () => fetch('/api/home')\n",
    "apps/api/package.json": '{"name": "api"}',
    "apps/api/src/routes/home.ts": "import { find } from '../services/home'\n",
    "apps/api/src/services/home.ts": "import { db } from '../db'\nexport const find = db\n",
    "apps/api/src/db.ts": "import { PrismaClient } from '@prisma/client'\n"
    "export const db = new PrismaClient()\n",
    "apps/api/src/server.ts": "import './routes/home'\n",
    "packages/kit/package.json": '{"name": "@acme/kit"}',
    "packages/kit/src/index.ts": "export { Button } from './Button'\n",
    "packages/kit/src/Button.tsx": "export const Button = 1\n",
    "packages/money/package.json": '{"name": "@acme/money"}',
    "packages/money/src/index.ts": "export const cents = 1\n",
}


def lay_out(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def adopt(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Write the contracts, record the baseline, and see that nothing is new."""
    assert boundaries(["--write", "--root", str(folder)]) == 0
    assert main(["baseline", "--root", str(folder), *ONLY_BOUNDARIES]) == 0
    assert check(folder, capsys) == (0, "")


def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The status, and what is said about new findings."""
    capsys.readouterr()
    status = main(["check", "--root", str(folder), *ONLY_BOUNDARIES])
    said = capsys.readouterr().out
    return status, said if "to mend" in said else ""


def contracts(folder: Path, *apps: str) -> dict[str, Contract]:
    return {entry.name: entry for entry in parse(propose(folder, apps or (".",)))}


def known(folder: Path, name: str) -> list[str]:
    found = breaches(contracts(folder)[name], read(walk(folder)))
    return [f"{entry.path}:{entry.line}" for entry in found]


PLANTED = {
    "src/pages/New.tsx": (
        "import { supabase } from '@/integrations/supabase/client'\n",
        "Supabase is asked by data modules alone in src",
    ),
    "src/pages/Own.tsx": (
        "import { createClient } from '@supabase/supabase-js'\n",
        "Supabase is asked by data modules alone in src",
    ),
    "src/lib/home.ts": (
        "export const home = () => import('../pages/Home')\n",
        "Imports go down in src, from pages to lib",
    ),
    "src/hooks/usePay.ts": (
        "import '../../supabase/functions/pay'\n",
        "The browser's code imports no server code",
    ),
    "supabase/functions/pay/money.ts": (
        "import { money } from '../../../src/lib/money.ts'\n",
        "The server imports no code of the browser",
    ),
    "src/lib/mail.ts": (
        "import nodemailer from 'nodemailer'\n",
        "No server package in the front end of src",
    ),
    "src/features/cart/sum.ts": (
        "import { rate } from '@/features/prices/rate'\n",
        "Features of src/features keep to themselves",
    ),
    "src/pages/Both.tsx": (
        "import Home from './Home'\n",
        "Pages of src/pages know nothing of each other",
    ),
    "src/lib/money.ts": (
        "import { rest } from './rest'\nexport const money = 1\n",
        "No circles of imports",
    ),
    "src/lib/long.ts": (
        "".join(f"export const n{n} = () => {n}\n" for n in range(400)),
        "Files and functions stay small",
    ),
    "src/lib/deep.ts": (
        "export const deep = () => {\n" + "  call()\n" * 160 + "}\n",
        "Files and functions stay small",
    ),
}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("web"), WEB)
    return lay_out(folder, {"src/lib/rest.ts": "import { money } from './money'\n"})


def test_a_front_end_s_habits_become_contracts(web: Path) -> None:
    wanted = {name for _, name in PLANTED.values()}
    assert set(contracts(web)) == wanted
    assert known(web, "Supabase is asked by data modules alone in src") == [
        "src/pages/Orders.tsx:1",
        "src/pages/Sign.tsx:1",
    ]
    for name in wanted - {"Supabase is asked by data modules alone in src"}:
        assert known(web, name) == []
    text = propose(web)
    assert "# Known today: 2 in 2 files, such as src/pages/Orders.tsx." in text
    assert text == propose(web)


def test_every_kind_of_breach_is_refused_under_its_contract_s_name(
    web: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path, {str(path.relative_to(web)): path.read_text()
                                for path in web.rglob("*") if path.is_file()})  # fmt: skip
    adopt(folder, capsys)
    for path, (text, _) in PLANTED.items():
        lay_out(folder, {path: text})
    status, said = check(folder, capsys)
    assert status == 1
    for path, (_, name) in PLANTED.items():
        assert any(path in line and f'"{name}"' in line for line in said.splitlines()), path
    # One finding for each, and the two imports of the circle.
    assert "12 new to mend" in said


def test_a_page_may_change_and_move_but_not_call_the_database_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path, WEB)
    adopt(folder, capsys)
    page = folder / "src/pages/Sign.tsx"
    page.write_text(
        "import React from 'react'\n"
        'import { supabase, other } from "@/integrations/supabase/client";\n'
    )
    assert check(folder, capsys) == (0, "")
    page.rename(folder / "src/pages/SignIn.tsx")
    assert check(folder, capsys) == (0, "")
    page.write_text("import { supabase } from '@/integrations/supabase/client'\n")
    assert check(folder, capsys)[0] == 1
    page.unlink()
    (folder / "src/pages/SignIn.tsx").unlink()
    assert check(folder, capsys) == (0, "")


def test_a_python_service_s_habits_become_contracts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path, SHOP)
    adopt(folder, capsys)
    planted = {
        "shop/routers/direct.py": (
            "def late():\n    from shop.database import engine\n",
            "SQLAlchemy is asked by data modules alone in shop",
        ),
        "shop/models.py": (
            "from shop.database import Base\nfrom .routers import stock\n",
            "Imports go down in shop, from routers to database",
        ),
        "shop/routers/both.py": (
            "try:\n    from .orders import x\nexcept ImportError:\n    x = 1\n",
            "Routers of shop/routers know nothing of each other",
        ),
        "shop/services/users.py": (
            "from shop.models import User\nfrom . import ring\n",
            "No circles of imports",
        ),
        "shop/services/ring.py": ("import shop.services.users\n", "No circles of imports"),
    }
    lay_out(folder, {path: text for path, (text, _) in planted.items()})
    status, said = check(folder, capsys)
    assert status == 1
    for path, (_, name) in planted.items():
        assert any(path in line and f'"{name}"' in line for line in said.splitlines()), path


def test_a_monorepo_s_apps_and_packages_keep_to_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path, MONOREPO)
    assert {
        "Prisma is asked by data modules alone in apps/api/src",
        "What is in apps keeps to itself",
        "What is in packages keeps to itself",
        "The browser's code imports no server code",
    } <= set(contracts(folder))
    one = contracts(folder, "apps/web")
    assert not any("api" in name for name in one)
    assert "No circles of imports in apps/web" in one
    adopt(folder, capsys)
    lay_out(
        folder,
        {
            "apps/web/src/hooks/useDb.ts": "import { db } from '../../../api/src/db'\n",
            "packages/money/src/tax.ts": "import { Button } from '@acme/kit/Button'\n",
        },
    )
    status, said = check(folder, capsys)
    assert status == 1
    assert '"What is in apps keeps to itself"' in said
    assert '"What is in packages keeps to itself"' in said


@pytest.mark.parametrize("name", sorted(path.name for path in TREES.iterdir()))
def test_every_prototype_keeps_what_is_proposed_for_it(name: str) -> None:
    text = propose(TREES / name)
    code = read(walk(TREES / name))
    for contract in parse(text):
        assert empty(contract, code) == "", contract.name
        count = len(breaches(contract, code))
        assert (f"# Known today: {count} in " in text) == bool(count) or count == 0


def test_what_features_offer_is_seen_from_what_they_take(tmp_path: Path) -> None:
    features = {
        "shop/features/__init__.py": "",
        "shop/features/cart/service.py": "from shop.features.prices.service import rate\n",
        "shop/features/prices/service.py": "rate = 1\n",
        "shop/features/stock/service.py": "from shop.features.prices.service import rate\n",
    }
    (contract,) = [
        entry
        for entry in contracts(lay_out(tmp_path, features)).values()
        if entry.kind == "independent"
    ]
    assert isinstance(contract.terms, Independent)
    assert "service.*" in contract.terms.public
    assert contract.name == "Features of shop/features keep to themselves"


def test_what_a_server_plainly_does_is_not_forbidden() -> None:
    tutoring = contracts(TREES / "tutoring")
    assert not any("asked by" in name for name in tutoring)
    assert "SQLAlchemy is opened in app/database.py alone" in tutoring
    assert "Imports go down in app, from routers to settings" in tutoring
    assert "The database is opened in db.py alone" in contracts(TREES / "bike-repair")


def test_an_adopted_project_writes_and_holds_contracts_of_its_own(
    adopted: Project, tmp_path: Path
) -> None:
    project = adopted.copy(tmp_path / "adopted")
    lay_out(project.path, WEB)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return project.run(sys.executable, "-m", *arguments)

    assert run("guardrails.boundaries", "--write").returncode == 0
    text = (project.path / "guardrails/boundaries.toml").read_text()
    assert '"src/**"' in text
    assert "service/" not in text
    assert "ops" not in text
    assert run("guardrails.boundaries", "--write").returncode == 1
    assert run("guardrails", "baseline", *ONLY_BOUNDARIES).returncode == 0
    assert run("guardrails", "check", *ONLY_BOUNDARIES).returncode == 0
    lay_out(project.path, {"src/pages/New.tsx": PLANTED["src/pages/New.tsx"][0]})
    refused = run("guardrails", "check", *ONLY_BOUNDARIES)
    assert refused.returncode == 1
    assert "src/pages/New.tsx:1: arch.contract-broken" in refused.stdout


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[contract]]\n", "contract 1 has no name"),
        ("a = [", "no TOML"),
        ("contracts = []", r"\[\[contract\]\] tables, no more"),
        ('[[contract]]\nname = "a"\nkind = "wall"', "kind is one of layers"),
        ('[[contract]]\nname = "a"\nkind = "acyclic"', "`within` is a glob or a list"),
        ('[[contract]]\nname = "a"\nkind = "acyclic"\nwithin = ["../x"]', "names no place"),
        ('[[contract]]\nname = "a"\nkind = "layers"\nlayers = ["a"]', "two layers or more"),
        ('[[contract]]\nname = "a"\nkind = "acyclic"\nwithin = "a"\nto = 1', "unknown keys: to"),
        ('[[contract]]\nname = "a"\nkind = "ceiling"\nfiles = "a"\nlines = -1', "number of lines"),
        ('[[contract]]\nname = "a"\nkind = "acyclic"\nwithin = "package:x"', "only places"),
        (2 * '[[contract]]\nname = "a"\nkind = "acyclic"\nwithin = "a"\n', "two contracts"),
    ],
)
def test_contracts_that_say_nothing_clear_are_refused(text: str, why: str) -> None:
    with pytest.raises(BrokenContracts, match=why):
        parse(text)


def test_broken_contracts_are_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_out(tmp_path, {"guardrails/boundaries.toml": "[[contract]]\n", "src/a.ts": ""})
    assert main(["check", "--root", str(tmp_path), *ONLY_BOUNDARIES]) == 2
    assert "contract 1 has no name" in capsys.readouterr().out


def test_a_contract_about_folders_that_are_gone_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = '[[contract]]\nname = "Old"\nkind = "acyclic"\nwithin = ["gone/**"]\n'
    lay_out(tmp_path, {"guardrails/boundaries.toml": contract, "src/a.ts": ""})
    assert main(["check", "--root", str(tmp_path), *ONLY_BOUNDARIES]) == 0
    assert "not looked at: Old: its `within` fits no file any more" in capsys.readouterr().out


def test_globs_take_names_as_they_are() -> None:
    paths = ["app/[id]/page.tsx", "app/i/page.tsx", "app/page.tsx", "app.ts", "lib/a/b/c.ts"]
    assert matching(["app/[id]"], paths) == {"app/[id]/page.tsx"}
    assert matching(["app/**"], paths) == set(paths[:3])
    assert matching(["app/*.tsx", "**/c.ts"], paths) == {"app/page.tsx", "lib/a/b/c.ts"}
    with pytest.raises(BadGlob):
        matching(["*/*/*/*/*/*"], paths)
