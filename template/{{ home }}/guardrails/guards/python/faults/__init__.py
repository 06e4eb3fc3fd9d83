"""What is wrong with what the code says, a kind of fault a module."""
