"""Views of a picture, never the same twice: what is drawn, and how it is carried out in one warp."""
