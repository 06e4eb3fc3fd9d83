import os
import pickle

import requests
from flask import Blueprint, request

import db
from signing import check_signature

pages = Blueprint("parts", __name__)


@pages.route("/parts/price")
def price():
    answer = requests.get("https://parts.example.com/price", params={"part": request.args["part"]})
    return answer.json()


@pages.route("/parts/import", methods=["POST"])
def import_parts():
    stock = pickle.loads(request.get_data())
    for part in stock:
        db.connect().execute("INSERT INTO parts (name) VALUES (?)", (part,))
    db.connect().commit()
    return {"imported": len(stock)}


@pages.route("/parts/label")
def label():
    os.system("lpr -P workshop " + request.args["file"])
    return {"ok": True}


@pages.route("/hooks/delivered", methods=["POST"])
def delivered():
    order = check_signature(request)
    db.connect().execute("UPDATE parts SET arrived = 1 WHERE order_id = ?", (order["id"],))
    db.connect().commit()
    return {"ok": True}


@pages.route("/hooks/returned", methods=["POST"])
def returned():
    order = request.get_json()
    db.connect().execute("DELETE FROM parts WHERE order_id = ?", (order["id"],))
    db.connect().commit()
    return {"ok": True}
