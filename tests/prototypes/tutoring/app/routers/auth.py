import hashlib

from fastapi import APIRouter, Depends, HTTPException
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ..database import get_db
from ..models import User
from ..security import create_token

router = APIRouter(prefix="/auth", tags=["auth"])


class SignUp(BaseModel):
    email: str
    password: str


@router.post("/sign-up")
def sign_up(form: SignUp, db: Session = Depends(get_db)):
    user = User(email=form.email, password=hashlib.sha1(form.password.encode()).hexdigest())
    db.add(user)
    db.commit()
    return {"access_token": create_token(user)}


@router.post("/token")
def token(form: OAuth2PasswordRequestForm = Depends(), db: Session = Depends(get_db)):
    user = db.query(User).filter(User.email == form.username).first()
    password = hashlib.sha1(form.password.encode()).hexdigest()
    if user is None or user.password != password:
        raise HTTPException(status_code=401, detail="Wrong e-mail or password")
    return {"access_token": create_token(user), "token_type": "bearer"}
