"""Measures a stamped service beside its rivals, for whoever doubts a figure: `make bench`."""
