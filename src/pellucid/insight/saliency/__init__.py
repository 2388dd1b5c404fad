"""Where in a picture a network finds what speaks for a class: ``method.saliency(inside, ...)``."""
