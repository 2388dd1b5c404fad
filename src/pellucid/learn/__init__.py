"""The recipes: what each learns from a split source, and what comes out of each in one form."""
