"""What the code of a server says: its routes, who they ask, what they read and write."""
