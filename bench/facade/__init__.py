"""Measures the facade of an adopted prototype beside proxies that do nothing else."""
