"""Reachability: proof that urgent incidents reach a person, and the health of channels."""
