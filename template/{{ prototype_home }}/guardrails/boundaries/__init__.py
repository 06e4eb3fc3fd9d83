"""The contracts between the parts of a code base: read, held, and proposed from what holds."""
