"""What the code of a service says: its routes, who they ask, what they read and write."""
