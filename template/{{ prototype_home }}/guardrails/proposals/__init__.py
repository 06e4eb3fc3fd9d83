"""Proposed mends of a Supabase database, each tried in a replay; nothing is ever applied."""
