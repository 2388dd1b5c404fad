"""How good a classifier is, with an interval around every figure."""
