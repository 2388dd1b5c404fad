"""A classifier behind HTTP: pictures in, the answers of ``predict`` out, and a page to try it on."""
