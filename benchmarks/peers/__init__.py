"""The same job in other people's tools, each in an environment of its own."""
