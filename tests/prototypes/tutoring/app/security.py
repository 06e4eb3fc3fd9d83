from fastapi import Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt
from sqlalchemy.orm import Session

from .database import get_db
from .models import User
from .settings import ALGORITHM, SECRET_KEY

bearer = OAuth2PasswordBearer(tokenUrl="auth/token")


def create_token(user: User) -> str:
    return jwt.encode({"sub": str(user.id)}, SECRET_KEY, algorithm=ALGORITHM)


def current_user(token: str = Depends(bearer), db: Session = Depends(get_db)) -> User:
    try:
        claims = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
    except JWTError:
        raise HTTPException(status_code=401, detail="Log in first")
    user = db.get(User, int(claims["sub"]))
    if user is None:
        raise HTTPException(status_code=401, detail="Log in first")
    return user


def only_admins(user: User = Depends(current_user)) -> User:
    if user.role != "admin":
        raise HTTPException(status_code=403, detail="Not for you")
    return user
