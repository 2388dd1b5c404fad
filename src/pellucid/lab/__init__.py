"""The lab: a page that asks questions, and the Python that answers them."""
