"""The route table: which routes a tree serves, and what stands before each."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from guardrails.engine.tree import walk
from guardrails.guards.routes import look

GUARD = """
import jwt from "jsonwebtoken"
export function signedIn(req, res, next) {
  try {
    req.user = jwt.verify(req.headers.authorization, process.env.TOKEN_SECRET)
    next()
  } catch {
    res.sendStatus(401)
  }
}
"""

Table = Callable[[Mapping[str, str]], dict[str, str]]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Lay the files out, and say of each route who is asked."""

    def lay_out(files: Mapping[str, str]) -> dict[str, str]:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        rows = look(walk(tmp_path)).facts["routes"]
        return {f"{row['method']} {row['path']}": row["access"] for row in rows}

    return lay_out


def test_a_router_is_mounted_in_another_file_behind_a_guard(table: Table) -> None:
    assert table({
        "guard.ts": GUARD,
        "routes/index.ts": 'export { default as trips } from "./trips"',
        "routes/trips.ts": """
            import { Router } from "express"
            const router = Router()
            router.get("/:id", (req, res) => res.json({}))
            export default router
        """,
        "server.ts": """
            import express from "express"
            import { signedIn } from "./guard"
            import { trips } from "./routes"
            const app = express()
            app.use("/api/trips", signedIn, trips)
        """,
    }) == {"GET /api/trips/:id": "caller"}  # fmt: skip


def test_a_guard_holds_only_for_what_is_registered_after_it(table: Table) -> None:
    found = table({
        "guard.ts": GUARD,
        "server.ts": """
            import express from "express"
            import { signedIn } from "./guard"
            const app = express()
            app.get("/before", (req, res) => res.json({}))
            app.use("/inner", signedIn)
            app.get("/inner/page", (req, res) => res.json({}))
            app.get("/other", (req, res) => res.json({}))
        """,
    })  # fmt: skip
    assert found == {"GET /before": "public", "GET /inner/page": "caller", "GET /other": "public"}


def test_a_middleware_that_lets_everybody_pass_is_no_guard(table: Table) -> None:
    assert table({
        "server.js": """
            const express = require("express")
            const app = express()
            app.use(function authenticate(req, res, next) { next() })
            app.get("/page", (req, res) => res.json({}))
        """,
    }) == {"GET /page": "public"}  # fmt: skip


def test_routes_that_a_function_registers_on_an_application(table: Table) -> None:
    assert table({
        "guard.ts": GUARD,
        "server.ts": """
            import express from "express"
            import { register } from "./register"
            const app = express()
            register(app)
        """,
        "register.ts": """
            import type { Express } from "express"
            import { signedIn } from "./guard"
            export function register(app: Express) {
              app.post("/trips", signedIn, (req, res) => res.json({}))
            }
        """,
    }) == {"POST /trips": "caller"}  # fmt: skip


def test_nest_controllers_are_guarded_by_decorators(table: Table) -> None:
    found = table({
        "trips.controller.ts": """
            @UseGuards(JwtAuthGuard)
            @Controller("trips")
            export class TripsController {
              @Get()
              list() { return [] }

              @Roles("admin")
              @Delete(":id")
              remove(@Param("id") id: string) { return this.trips.remove(id) }
            }

            @Controller("notes")
            export class NotesController {
              @Post()
              add(@Body() note: Note) { return this.notes.create(note) }
            }
        """,
    })  # fmt: skip
    assert found == {"GET /trips": "caller", "DELETE /trips/:id": "role", "POST /notes": "public"}


def test_a_wrapped_handler_is_guarded_by_its_wrapper(table: Table) -> None:
    assert table({
        "package.json": "{}",
        "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
        "src/lib/session.ts": """
            import { getServerSession } from "next-auth"
            export const guarded = (handler) => async (request) => {
              const session = await getServerSession()
              if (!session) return new Response("sign in first", { status: 401 })
              return handler(request, session)
            }
        """,
        "src/app/api/(inner)/trips/[id]/route.ts": """
            import { guarded } from "@/lib/session"
            export const DELETE = guarded(async (request) => new Response("ok"))
        """,
    }) == {"DELETE /api/trips/:id": "caller"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "app.get('/x', (((", "\x00\x01", "import x from", "export {" * 500, "a?" * 5_000],
)
def test_broken_files_crash_nothing(table: Table, text: str) -> None:
    found = table({
        "server.js": "const express = require('express')\n" + text,
        "whole.js": "const app = require('express')()\napp.get('/api/tills', show)\n",
        "supabase/functions/odd/index.ts": text,
        "supabase/config.toml": "[functions.odd\nverify_jwt = nein",
        "app/api/odd/route.ts": text,
        "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": 7}, "baseUrl": []}}',
    })  # fmt: skip
    assert "GET /api/tills" in found


def test_a_middleware_that_asks_for_the_cookie_of_administrators_asks_for_a_role(
    table: Table,
) -> None:
    assert table({
        "package.json": '{"dependencies": {"next": "15.0.0"}}',
        "middleware.ts": """
            import { NextRequest, NextResponse } from "next/server"
            export function middleware(request: NextRequest) {
              const isAdminApi = request.nextUrl.pathname.startsWith("/api/admin")
              if (!isAdminApi) return NextResponse.next()
              const cookie = request.cookies.get("admin_session")?.value
              if (!cookie) return NextResponse.redirect(new URL("/admin/login", request.url))
              return NextResponse.next()
            }
            export const config = { matcher: ["/api/admin/:path*"] }
        """,
        "app/api/admin/orders/route.ts": """
            import { prisma } from "../../../../lib/prisma"
            export async function GET() {
              return Response.json(await prisma.order.findMany())
            }
        """,
    }) == {"GET /api/admin/orders": "role"}  # fmt: skip
