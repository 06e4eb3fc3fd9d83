"""A stand-in for the popular FastAPI template, written the way such services work.

Synchronous endpoints in a thread pool, SQLModel sessions, a JWT and a look-up of the user for
each request, and for a list a count beside the select.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine
from sqlmodel import Field, Session, SQLModel, col, create_engine, func, select
from starlette.middleware.cors import CORSMiddleware

SECRET = "a-secret-for-the-bench-only-0123456789"  # noqa: S105
ALGORITHM = "HS256"


class UserPublic(SQLModel):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(unique=True, index=True, max_length=255)
    full_name: str | None = Field(default=None, max_length=255)
    is_active: bool = True
    is_superuser: bool = False


class User(UserPublic, table=True):
    __tablename__ = "users"
    hashed_password: str


class ItemPublic(SQLModel):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    title: str = Field(max_length=255)
    description: str | None = Field(default=None, max_length=255)
    created_at: datetime


class Item(ItemPublic, table=True):
    __tablename__ = "items"


class ItemsPublic(SQLModel):
    data: list[ItemPublic]
    count: int


class TokenPayload(BaseModel):
    sub: UUID


def engine_of(database_url: str) -> Engine:
    return create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))


def seed(database_url: str, items: int) -> tuple[str, UUID]:
    """One user who owns `items` items; returns a token of theirs and one item."""
    engine = engine_of(database_url)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        user = User(email="ada@example.com", full_name="Ada", hashed_password="-")  # noqa: S106
        session.add(user)
        session.flush()
        now = datetime.now(UTC)
        owned = [
            Item(
                owner_id=user.id,
                title=f"Item {number}",
                description="Something that somebody owns",
                created_at=now - timedelta(minutes=number),
            )
            for number in range(items)
        ]
        session.add_all(owned)
        session.commit()
        claims: dict[str, Any] = {"sub": str(user.id), "exp": now + timedelta(days=8)}
        token = jwt.encode(claims, SECRET, algorithm=ALGORITHM)
        item = owned[0].id
    engine.dispose()
    return token, item


@cache
def _engine() -> Engine:
    return engine_of(os.environ["DATABASE_URL"])


def get_session() -> Iterator[Session]:
    with Session(_engine()) as session:
        yield session


CurrentSession = Annotated[Session, Depends(get_session)]
Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/login/access-token"))]


def get_current_user(session: CurrentSession, token: Token) -> User:
    try:
        payload = TokenPayload(**jwt.decode(token, SECRET, algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise HTTPException(403, "Could not validate credentials") from error
    user = session.get(User, payload.sub)
    if user is None:
        raise HTTPException(404, "User not found")
    if not user.is_active:
        raise HTTPException(400, "Inactive user")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]
users = APIRouter(prefix="/users", tags=["users"])
items = APIRouter(prefix="/items", tags=["items"])


@users.get("/me", response_model=UserPublic)
def read_user_me(user: CurrentUser) -> Any:
    return user


@items.get("/", response_model=ItemsPublic)
def read_items(session: CurrentSession, user: CurrentUser, skip: int = 0, limit: int = 100) -> Any:
    count = session.exec(
        select(func.count()).select_from(Item).where(Item.owner_id == user.id)
    ).one()
    page = session.exec(
        select(Item)
        .where(Item.owner_id == user.id)
        .order_by(col(Item.created_at).desc())
        .offset(skip)
        .limit(limit)
    ).all()
    return ItemsPublic(data=[ItemPublic.model_validate(item) for item in page], count=count)


@items.get("/{item_id}", response_model=ItemPublic)
def read_item(session: CurrentSession, user: CurrentUser, item_id: UUID) -> Any:
    item = session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, "Item not found")
    if not user.is_superuser and item.owner_id != user.id:
        raise HTTPException(403, "Not enough permissions")
    return item


def create_app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["http://localhost:5173"],
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
    api = APIRouter(prefix="/api/v1")
    api.include_router(users)
    api.include_router(items)
    app.include_router(api)
    return app
