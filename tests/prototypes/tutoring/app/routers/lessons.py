from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ..database import get_db
from ..models import Lesson, User
from ..security import current_user

router = APIRouter(prefix="/lessons", tags=["lessons"])


class LessonIn(BaseModel):
    tutor_id: int
    subject: str


@router.get("/mine")
def mine(user: User = Depends(current_user), db: Session = Depends(get_db)):
    return db.query(Lesson).filter(Lesson.pupil_id == user.id).limit(100).all()


@router.get("/{lesson_id}")
def one(lesson_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    lesson = db.query(Lesson).filter(Lesson.id == lesson_id).first()
    if lesson is None:
        raise HTTPException(status_code=404)
    return lesson


@router.post("/")
def book(lesson: LessonIn, user: User = Depends(current_user), db: Session = Depends(get_db)):
    booked = Lesson(tutor_id=lesson.tutor_id, subject=lesson.subject, pupil_id=user.id, price=25.0)
    db.add(booked)
    db.commit()
    return {"id": booked.id}


@router.delete("/{lesson_id}")
def cancel(lesson_id: int, db: Session = Depends(get_db)):
    db.query(Lesson).filter(Lesson.id == lesson_id).delete()
    db.commit()
    return {"ok": True}


@router.get("/of/{user_id}")
def of_user(user_id: int, db: Session = Depends(get_db)):
    return db.query(Lesson).filter(Lesson.pupil_id == user_id).all()
