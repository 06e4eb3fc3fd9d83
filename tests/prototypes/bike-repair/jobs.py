import random
import string

import bleach
from flask import Blueprint, g, render_template, render_template_string, request, send_file
from markupsafe import Markup

import db

pages = Blueprint("jobs", __name__)


@pages.route("/")
def index():
    rows = (
        db.connect()
        .execute(
            "SELECT id, bike, note FROM jobs WHERE staff_id = ? ORDER BY id LIMIT 100",
            (g.staff_id,),
        )
        .fetchall()
    )
    return render_template("jobs.html", jobs=rows)


@pages.route("/jobs/find")
def find():
    bike = request.args.get("bike", "")
    rows = db.connect().execute(f"SELECT id, bike FROM jobs WHERE bike LIKE '%{bike}%'").fetchall()
    return render_template("jobs.html", jobs=rows)


@pages.route("/jobs/<int:job_id>")
def one(job_id):
    row = db.connect().execute("SELECT bike, note FROM jobs WHERE id = ?", (job_id,)).fetchone()
    note = Markup(bleach.clean(row["note"]))
    return render_template("job.html", bike=row["bike"], note=note)


@pages.route("/jobs/<int:job_id>/label")
def label(job_id):
    return render_template_string("<h1>" + request.args.get("title", "") + "</h1>")


@pages.route("/jobs/<int:job_id>/photo")
def photo(job_id):
    return send_file("photos/" + request.args["name"])


@pages.route("/jobs/<int:job_id>/share", methods=["POST"])
def share(job_id):
    token = "".join(random.choice(string.ascii_letters) for _ in range(20))
    db.connect().execute("UPDATE jobs SET share_token = ? WHERE id = ?", (token, job_id))
    db.connect().commit()
    return {"token": token}
