"""From bytes to pixels: decoding, and the one preprocessing that every later user of pixels goes through."""
