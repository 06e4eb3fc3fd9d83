"""Stamps production-ready Python services, and keeps them that way."""
