"""What a stamped service is measured against, on the same machine, in the same minutes."""
