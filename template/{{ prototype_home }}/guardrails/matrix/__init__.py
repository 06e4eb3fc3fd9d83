"""The access matrix as a reviewed file: who may do what with the database, and what changed."""
