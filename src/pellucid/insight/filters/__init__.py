"""What a network's filters look for: the first layer's kernels, and the patches that excite a channel."""
