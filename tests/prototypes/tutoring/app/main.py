from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .database import Base, engine
from .routers import admin, auth, lessons, payments, search
from .security import only_admins

Base.metadata.create_all(bind=engine)

app = FastAPI(title="Tutoring", debug=True)

app.add_middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_credentials=True,
    allow_methods=["*"],
    allow_headers=["*"],
)

app.include_router(auth.router)
app.include_router(lessons.router)
app.include_router(search.router)
app.include_router(payments.router)
app.include_router(admin.router, prefix="/admin", dependencies=[Depends(only_admins)])
