from datetime import date

from seeds.app import app
from seeds.loans import due_on


def test_a_season_later():
    assert due_on(date(2025, 3, 1)) == date(2025, 10, 27)


def test_the_front_page():
    assert b"Borrow seeds" in app.test_client().get("/").data
