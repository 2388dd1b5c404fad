"""A trained classifier as a file for other programs; that it gives the same answers is proved first."""
