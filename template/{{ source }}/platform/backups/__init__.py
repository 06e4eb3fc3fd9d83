"""Encrypted backups of the database, and the proof that they restore."""
