import sqlite3

from flask import Flask, request

from seeds.loans import due_on

app = Flask(__name__)
DATABASE = "seeds.db"


def connect():
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    connection.execute(
        "CREATE TABLE IF NOT EXISTS loans (id INTEGER PRIMARY KEY, seed TEXT, member TEXT, due TEXT)"
    )
    return connection


@app.get("/")
def index():
    return "<!doctype html><title>Seed library</title><h1>Borrow seeds, bring back seeds</h1>"


@app.get("/api/loans")
def loans():
    with connect() as connection:
        return [dict(row) for row in connection.execute("SELECT * FROM loans")]


@app.post("/api/loans")
def lend():
    wish = request.get_json()
    with connect() as connection:
        connection.execute(
            "INSERT INTO loans (seed, member, due) VALUES (?, ?, ?)",
            (wish["seed"], wish["member"], due_on().isoformat()),
        )
    return {"ok": True}, 201
