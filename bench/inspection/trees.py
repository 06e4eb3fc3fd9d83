"""A TypeScript prototype of any size, always the same for the same size.

The files are of the kinds that such prototypes are made of, with their faults: pages that query
the database, edge functions, hooks, forms; a chain of migrations; a history of commits.
"""

import random
import subprocess
from pathlib import Path
from string import Template

_PAGE = Template("""\
import { useEffect, useState } from "react";
import { supabase } from "@/integrations/supabase/client";
import { Button } from "@/components/ui/button";
import { format$Name } from "@/lib/$name";

interface $Name {
  id: string;
  title: string;
  price: number;
  created_at: string;
}

export default function ${Name}Page() {
  const [items, setItems] = useState<$Name[]>([]);
  const [search, setSearch] = useState("");
  const [amount, setAmount] = useState("");

  useEffect(() => {
    const load = async () => {
      const { data, error } = await supabase.from("${name}s").select("*").order("created_at");
      if (error) console.error("could not load ${name}s", error);
      setItems(data ?? []);
    };
    load();
  }, []);

  const save = async () => {
    try {
      const price = parseFloat(amount);
      await supabase.from("${name}s").insert({ title: search, price });
    } catch (e) {}
  };

  const visible = items.filter((item) => item.title.toLowerCase().includes(search.toLowerCase()));
  return (
    <div className="space-y-4 p-6">
      <h1 className="text-2xl font-bold">${Name}s</h1>
      <input value={search} onChange={(event) => setSearch(event.target.value)} />
      <ul>
        {visible.map((item) => (
          <li key={item.id} className="flex justify-between">
            <span>{format$Name(item.title)}</span>
            <span>{item.price.toFixed(2)}</span>
          </li>
        ))}
      </ul>
      <input value={amount} onChange={(event) => setAmount(event.target.value)} />
      <Button onClick={save}>Save</Button>
    </div>
  );
}
""")

_LIBRARY = Template("""\
const today = () => new Date().toISOString().split("T")[0];

export function format$Name(title: string): string {
  return title.trim().replace(/\\s+/g, " ");
}

export function key$Name(): string {
  return `$name-$${Math.random().toString(36).slice(2)}`;
}

export async function load$Name(id: string) {
  const response = await fetch(`/api/$name/$${id}`);
  if (!response.ok) throw new Error("could not load $name");
  return { ...(await response.json()), loaded: today() };
}

export const total$Name = (rows: { price: number; quantity: number }[]) =>
  rows.reduce((sum, row) => sum + row.price * row.quantity, 0);
""")

_PANEL = Template("""\
import { useState } from "react";
import { load$Name, total$Name } from "@/lib/$name";

type Props = { id: string; onClose: () => void };

export const ${Name}Panel = ({ id, onClose }: Props) => {
  const [row, setRow] = useState<any>(null);
  const [open, setOpen] = useState(false);

  const show = async () => {
    setRow(await load$Name(id));
    setOpen(true);
  };

  return (
    <section aria-label="$Name">
      <button onClick={show}>Show</button>
      {open && row ? (
        <article>
          <h2>{row.title}</h2>
          <p dangerouslySetInnerHTML={{ __html: row.description }} />
          <strong>{total$Name(row.lines)}</strong>
          <button onClick={onClose}>Close</button>
        </article>
      ) : null}
    </section>
  );
};
""")

_FUNCTION = Template("""\
import { serve } from "https://deno.land/std@0.190.0/http/server.ts";
import { createClient } from "https://esm.sh/@supabase/supabase-js@2";

const cors = { "Access-Control-Allow-Origin": "*" };

serve(async (request) => {
  if (request.method === "OPTIONS") return new Response(null, { headers: cors });
  const { ${name}_id, status } = await request.json();
  const admin = createClient(
    Deno.env.get("SUPABASE_URL")!,
    Deno.env.get("SUPABASE_SERVICE_ROLE_KEY")!,
  );
  const { data, error } = await admin
    .from("${name}s").update({ status }).eq("id", ${name}_id).select().single();
  if (error) return new Response(JSON.stringify({ error: error.message }), { status: 500 });
  return new Response(JSON.stringify(data), { headers: cors });
});
""")

_MIGRATION = Template("""\
create table public.${name}s (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references auth.users (id),
  title text not null,
  price double precision,
  created_at timestamp default now()
);
alter table public.${name}s enable row level security;
create policy "Anyone can read ${name}s" on public.${name}s for select using (true);
create policy "Owners write ${name}s" on public.${name}s for all using (auth.uid() = user_id);
""")

_WORDS = ("order", "invoice", "client", "visit", "parcel", "ticket", "lesson", "booking", "meal")
_COMMITS = 40
_MIGRATIONS = 30


def plant(folder: Path, files: int) -> None:
    """Lay out a prototype of about so many TypeScript files, as a repository of its own."""
    chance = random.Random(files)  # noqa: S311 (the same tree each time)
    kinds = (
        ("src/pages/{0}Page.tsx", _PAGE),
        ("src/lib/{1}.ts", _LIBRARY),
        ("src/components/{1}/{0}Panel.tsx", _PANEL),
    )
    written = 0
    while written < files:
        name = f"{chance.choice(_WORDS)}{written:05d}"
        for path, template in kinds:
            _write(folder, path.format(name.capitalize(), name), _text(template, name))
            written += 1
        if written % 50 < len(kinds):
            _write(folder, f"supabase/functions/{name}/index.ts", _text(_FUNCTION, name))
            written += 1
    for number in range(_MIGRATIONS):
        name = f"thing{number}"
        _write(folder, f"supabase/migrations/202601{number + 1:02d}000000_{name}.sql",
               _text(_MIGRATION, name))  # fmt: skip
    _write(folder, "supabase/config.toml", 'project_id = "bench"\n')
    _write(folder, "package.json", '{"name": "bench", "dependencies": {"react": "^18.3.1"}}\n')
    _write(folder, "README.md", "# A prototype\n")
    _commit(folder)


def _text(template: Template, name: str) -> str:
    return template.substitute(name=name, Name=name.capitalize())


def _write(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _commit(folder: Path) -> None:
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-C", str(folder))
    subprocess.run([*git, "init", "--quiet"], check=True)
    everything = sorted(path for path in folder.rglob("*") if path.is_file())
    size = max(1, len(everything) // _COMMITS)
    for start in range(0, len(everything), size):
        some = [str(path.relative_to(folder)) for path in everything[start : start + size]
                if ".git/" not in f"{path.relative_to(folder)}/"]  # fmt: skip
        if some:
            subprocess.run([*git, "add", "--", *some], check=True)
            subprocess.run([*git, "commit", "--quiet", "--message", "Work"], check=True)


def stage_ten(folder: Path) -> list[str]:
    """Change ten pages and stage them; returns their paths."""
    pages = sorted(folder.glob("src/pages/*.tsx"))[:10]
    for page in pages:
        page.write_text(page.read_text(encoding="utf-8") + "\n// changed\n", encoding="utf-8")
    names = [str(page.relative_to(folder)) for page in pages]
    subprocess.run(["git", "-C", str(folder), "add", "--", *names], check=True)
    return names
