"""What happens inside a network: every number of one forward pass, with its arithmetic and its origin."""
