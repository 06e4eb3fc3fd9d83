"""What `make demo` shows: a service stamped from this checkout, running, and used."""
