import os

DATABASE_URL = os.getenv("DATABASE_URL", "sqlite:///./tutoring.db")
SECRET_KEY = os.getenv("SECRET_KEY", "tutoring-secret")
ALGORITHM = "HS256"
PAYMENTS_KEY = os.environ.get("PAYMENTS_KEY", "")
