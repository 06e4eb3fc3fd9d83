from datetime import datetime

from sqlalchemy import Column, DateTime, Float, ForeignKey, Integer, String

from .database import Base


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String, unique=True)
    password = Column(String)
    role = Column(String, default="pupil")
    balance = Column(Float, default=0)


class Lesson(Base):
    __tablename__ = "lessons"
    id = Column(Integer, primary_key=True)
    tutor_id = Column(Integer, ForeignKey("users.id"))
    pupil_id = Column(Integer, ForeignKey("users.id"))
    subject = Column(String)
    notes = Column(String)
    price = Column(Float)
    starts_at = Column(DateTime, default=datetime.utcnow)
