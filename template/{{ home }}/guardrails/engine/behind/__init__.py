"""On the path of every guard; see sitecustomize.py."""
