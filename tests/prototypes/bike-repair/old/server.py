# The first attempt. Kept for the price list below.
#
# from flask import Flask, request
#
# app = Flask(__name__)
# app.secret_key = "secret"
#
#
# @app.route("/run", methods=["POST"])
# def run():
#     return {"result": eval(request.form["code"])}
#
#
# if __name__ == "__main__":
#     app.run(debug=True)

PRICES = {"tube": 8, "chain": 25}
