import os
import sqlite3

from fastapi import FastAPI, Header, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

from parts import part_of

app = FastAPI(title="Choir")
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])


def database():
    connection = sqlite3.connect(os.getenv("CHOIR_DATABASE", "choir.db"))
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE IF NOT EXISTS singers (id INTEGER PRIMARY KEY, name TEXT, part TEXT)")
    return connection


class Singer(BaseModel):
    name: str


@app.get("/api/singers")
def singers():
    return [dict(row) for row in database().execute("SELECT * FROM singers ORDER BY id")]


@app.post("/api/singers", status_code=201)
def join(singer: Singer, key: str = Header(alias="X-Choir-Key", default="")):
    if key != os.getenv("CHOIR_KEY", ""):
        raise HTTPException(status_code=403)
    with database() as connection:
        number = connection.execute("SELECT count(*) FROM singers").fetchone()[0]
        connection.execute(
            "INSERT INTO singers (name, part) VALUES (?, ?)", (singer.name, part_of(number))
        )
    return {"part": part_of(number)}


@app.delete("/api/singers/{singer_id}")
def leave(singer_id: int):
    with database() as connection:
        connection.execute("DELETE FROM singers WHERE id = ?", (singer_id,))
    return {"ok": True}
