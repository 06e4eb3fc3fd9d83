"""The gate table that an adoption begins with, from what an inspection of each prototype saw."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from roadworthy.inspection import Inspection, Wanted, inspect
from roadworthy.planning.gate import Prototype, gate_of
from roadworthy.verifying.proof import readable

PROTOTYPES = Path(__file__).parent.parent / "prototypes"
ACCESS = ("authz.*", "auth.*", "edge-fn.*")


def seen(name: str, *rules: str) -> Inspection:
    return inspect(PROTOTYPES / name, Wanted(only=rules or ACCESS, history=False), lambda _: None)


def routes(text: str) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads(text)["routes"]
    return table


@pytest.fixture(scope="module")
def van_hire() -> Inspection:
    return seen("van-hire")


def test_a_route_that_asks_today_keeps_asking(van_hire: Inspection) -> None:
    table = routes(gate_of(van_hire, Prototype("node")))
    assert table["POST /api/bookings/{id}/cancel"] == "authenticated"
    assert table["GET /api/vans"] == "authenticated"


def test_what_is_public_by_nature_stays_public(van_hire: Inspection) -> None:
    table = routes(gate_of(van_hire, Prototype("node")))
    assert table["POST /api/auth/login"] == "public"
    assert table["POST /webhooks/stripe"] == "public"
    assert table["GET /app.js"] == "public"


def test_what_asks_nobody_but_should_names_its_finding(van_hire: Inspection) -> None:
    text = gate_of(van_hire, Prototype("node"))
    (line,) = [line for line in text.splitlines() if "/api/reports/customers" in line]
    assert line.startswith('"GET /api/reports/customers" = "authenticated"')
    assert line.endswith("# authz.unauthenticated-endpoint (routes/reports.js:7)")


def test_the_same_inspection_gives_the_same_text(van_hire: Inspection) -> None:
    shuffled = {**van_hire.facts, "routes": list(reversed(van_hire.facts["routes"]))}
    again = replace(van_hire, facts=shuffled)
    assert gate_of(again, Prototype("node")) == gate_of(van_hire, Prototype("node"))


def test_what_was_seen_does_not_tell_is_left_to_a_person(van_hire: Inspection) -> None:
    """Without the findings nothing says that the reports should not be public."""
    text = gate_of(replace(van_hire, issues=()), Prototype("node"))
    assert "GET /api/reports/customers" not in routes(text)
    assert '# "GET /api/reports/customers" = "?"' in text
    assert text.index("# To decide") < text.index("/api/reports/customers")


def test_a_line_is_one_line_whatever_the_code_says(van_hire: Inspection) -> None:
    row = dict(van_hire.facts["routes"][0])
    row |= {"file": 'a\n"GET /**" = "public"\n# \u2028.js', "why": 'x\n"', "patterns": ["/x"]}
    text = gate_of(replace(van_hire, facts={"routes": [row]}), Prototype("node"))
    assert "GET /**" not in routes(text)


def test_a_server_that_answers_all_paths_with_the_front_end(van_hire: Inspection) -> None:
    rest = dict(van_hire.facts["routes"][0])
    rest |= {"method": "GET", "patterns": ["/**"], "nature": "", "line": 99}
    facts = {**van_hire.facts, "routes": [*van_hire.facts["routes"], rest]}
    table = routes(gate_of(replace(van_hire, facts=facts), Prototype("node")))
    assert table["GET /**"] == "public"
    assert table["* /api/**"] == table["* /webhooks/**"] == "nobody"


def test_a_server_that_builds_its_own_front_end(van_hire: Inspection) -> None:
    (app,) = van_hire.stack.apps
    stack = replace(van_hire.stack, apps=(replace(app, frameworks=("Express", "Vite", "React")),))
    table = routes(gate_of(replace(van_hire, stack=stack), Prototype("node")))
    assert table["GET /**"] == "public"
    assert table["* /api/**"] == "nobody"


def test_only_the_app_that_is_adopted_is_in_the_table(van_hire: Inspection) -> None:
    assert "/api/vans" not in gate_of(van_hire, Prototype("node", app="server"))


def test_pages_of_nextjs_and_a_role() -> None:
    table = routes(gate_of(seen("allotment"), Prototype("nextjs")))
    assert table["GET /notices"] == table["GET /_next/**"] == "public"
    assert table["DELETE /api/plots/{id}"] == "authenticated"
    table = routes(gate_of(seen("tutoring"), Prototype("fastapi")))
    assert table["DELETE /admin/users/{user_id}"] == "authenticated"
    assert table["POST /auth/token"] == "public"
    table = routes(gate_of(seen("bike-repair"), Prototype("flask")))
    assert (table["GET /"], table["GET /health"]) == ("authenticated", "public")


def test_supabase_below_one_prefix() -> None:
    inspection = seen("corner-shop", *ACCESS, "rls.*")
    table = routes(gate_of(inspection, Prototype("supabase", supabase_at="/supabase")))
    assert (table["GET /**"], table["WEBSOCKET /**"]) == ("public", "authenticated")
    assert table["* /supabase/**"] == "nobody"
    assert table["* /supabase/rest/v1/**"] == "authenticated"
    assert table["* /supabase/functions/v1/notify"] == "authenticated"
    # The database itself has shown that anybody may read the catalogue, and orders are none.
    assert table["GET /supabase/rest/v1/products"] == "public"
    assert "GET /supabase/rest/v1/orders" not in table
    assert "supabase" not in "".join(routes(gate_of(inspection, Prototype("supabase"))))


TRPC = """
import { initTRPC, TRPCError } from "@trpc/server"
const t = initTRPC.context<{ user: { id: number } | null }>().create()
export const publicProcedure = t.procedure
export const protectedProcedure = t.procedure.use(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: "UNAUTHORIZED" })
  return next()
})
export const appRouter = t.router({
  orders: t.router({
    mine: protectedProcedure.query(({ ctx }) => db.ordersOf(ctx.user.id)),
  }),
  auth: t.router({
    login: publicProcedure.mutation(({ input }) => db.logIn(input)),
  }),
})
"""
OPEN = "prices: t.router({ list: publicProcedure.query(() => db.prices()) }),\n})"
EXPRESS = """
import express from "express"
import * as trpc from "@trpc/server/adapters/express"
import { appRouter } from "./trpc"
const app = express()
app.get("/api/report", (req, res) => res.json(db.report()))
app.use("/api/trpc", trpc.createExpressMiddleware({ router: appRouter, createContext }))
app.listen(3000)
"""
NEXT = """
import { fetchRequestHandler } from "@trpc/server/adapters/fetch"
import { appRouter } from "~/server/trpc"
const handler = (req: Request) =>
  fetchRequestHandler({ endpoint: "/api/trpc", req, router: appRouter, createContext })
export { handler as GET, handler as POST }
"""


def of_trpc(folder: Path, kind: str, code: str, at: str, server: str) -> Inspection:
    files = {
        "package.json": json.dumps({"dependencies": {"@trpc/server": "11", kind: "5"}}),
        "server/trpc.ts": code,
        at: server,
    }
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return inspect(folder, Wanted(only=ACCESS, history=False), lambda _: None)


@pytest.mark.parametrize(
    ("kind", "at", "server"),
    [("express", "server/index.ts", EXPRESS), ("next", "app/api/trpc/[trpc]/route.ts", NEXT)],
)
def test_procedures_share_a_line(tmp_path: Path, kind: str, at: str, server: str) -> None:
    """A client asks for several in one request, at an address with commas in it."""
    text = gate_of(of_trpc(tmp_path, kind, TRPC, at, server), Prototype("node"))
    assert routes(text)["* /api/trpc/**"] == "public"
    assert "its procedures ask who calls, but for auth.login()" in text
    assert "{trpc}" not in text


def test_procedures_that_all_ask(tmp_path: Path) -> None:
    code = TRPC.replace("publicProcedure.mutation", "protectedProcedure.mutation")
    text = gate_of(of_trpc(tmp_path, "express", code, "index.ts", EXPRESS), Prototype("node"))
    assert routes(text)["* /api/trpc/**"] == "authenticated"


def test_a_procedure_that_asks_nobody_is_named(tmp_path: Path) -> None:
    code = TRPC.rsplit("})", 1)[0] + "  " + OPEN
    text = gate_of(of_trpc(tmp_path, "express", code, "index.ts", EXPRESS), Prototype("node"))
    assert "* /api/trpc/**" not in routes(text)
    (line,) = [line for line in text.splitlines() if line.startswith('# "* /api/trpc/**"')]
    assert "nobody is seen to be asked in prices.list()" in line


def test_no_procedure_is_asked_for_at_an_address_of_its_own(tmp_path: Path) -> None:
    found = of_trpc(tmp_path, "express", TRPC, "index.ts", EXPRESS)
    assert list(readable(found)) == ["/api/report"]


def test_a_route_below_the_procedures_keeps_its_line(tmp_path: Path) -> None:
    own = EXPRESS.replace("/api/report", "/api/trpc/report")
    text = gate_of(of_trpc(tmp_path, "express", TRPC, "index.ts", own), Prototype("node"))
    assert '"GET /api/trpc/report" = ' in text
