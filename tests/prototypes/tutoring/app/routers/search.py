import httpx
from fastapi import APIRouter, Depends
from sqlalchemy import text
from sqlalchemy.orm import Session

from ..database import get_db
from ..models import User
from ..security import current_user

router = APIRouter(prefix="/search", tags=["search"], dependencies=[Depends(current_user)])


@router.get("/lessons")
def lessons(subject: str, db: Session = Depends(get_db)):
    rows = db.execute(text(f"SELECT id, subject FROM lessons WHERE subject LIKE '%{subject}%'"))
    return [dict(row._mapping) for row in rows]


@router.get("/tutors")
def tutors(name: str, db: Session = Depends(get_db)):
    rows = db.execute(
        text("SELECT id, email FROM users WHERE role = 'tutor' AND email LIKE :name LIMIT 50"),
        {"name": f"%{name}%"},
    )
    return [dict(row._mapping) for row in rows]


@router.get("/cover")
def cover(url: str, user: User = Depends(current_user)):
    return {"bytes": len(httpx.get(url).content)}
