"""The router in memory and in virtual time: rule tests, simulation and replay run on it."""
