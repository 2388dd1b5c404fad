"""Networks: where their weights lie, how they are cut, what they cost."""
