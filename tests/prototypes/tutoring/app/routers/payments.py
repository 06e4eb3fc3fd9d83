import json

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from ..database import get_db
from ..models import User
from ..security import current_user
from ..signing import signed_body

router = APIRouter(prefix="/payments", tags=["payments"])


@router.post("/webhook")
def paid(body: bytes = Depends(signed_body), db: Session = Depends(get_db)):
    event = json.loads(body)
    if event["type"] == "payment.succeeded":
        user = db.get(User, int(event["user"]))
        user.balance += event["amount"]
        db.commit()
    return {"ok": True}


@router.post("/transfer")
def transfer(
    to: int, amount: float, user: User = Depends(current_user), db: Session = Depends(get_db)
):
    other = db.get(User, to)
    user.balance -= amount
    db.commit()
    other.balance += amount
    db.commit()
    return {"balance": user.balance}
