"""What learns, and the frozen layers that it learns from."""
