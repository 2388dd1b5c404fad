"""How fast Pellucid is, measured beside what other people use; not part of the package."""
