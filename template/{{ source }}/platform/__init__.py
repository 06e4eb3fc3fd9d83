"""What every service needs, once: nothing in here knows a feature."""
