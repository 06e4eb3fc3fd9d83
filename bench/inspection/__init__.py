"""What an inspection costs, beside the scanners that only read."""
