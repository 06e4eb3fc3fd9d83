import sqlite3

from flask import g


def connect():
    if "db" not in g:
        g.db = sqlite3.connect("repair.db")
        g.db.row_factory = sqlite3.Row
    return g.db
