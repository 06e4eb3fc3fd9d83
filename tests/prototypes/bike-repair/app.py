import os

from flask import Flask, abort, g, redirect, render_template, request, session

import db
import jobs
import parts

app = Flask(__name__)
app.secret_key = "bike-repair"

OPEN = {"login", "static", "health"}


@app.before_request
def only_staff():
    """One gate for every page; the few that are open are listed."""
    if request.endpoint in OPEN or request.path.startswith("/hooks/"):
        return None
    if "staff_id" not in session:
        return redirect("/login")
    g.staff_id = session["staff_id"]
    return None


@app.route("/health")
def health():
    db.connect().execute("SELECT 1")
    return {"ok": True}


@app.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        name, password = request.form["name"], request.form["password"]
        row = (
            db.connect()
            .execute("SELECT id FROM staff WHERE name = ? AND password = ?", (name, password))
            .fetchone()
        )
        if row is None:
            abort(401)
        session["staff_id"] = row["id"]
        return redirect("/")
    return render_template("login.html")


app.register_blueprint(jobs.pages)
app.register_blueprint(parts.pages)

if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5000)), debug=True)
