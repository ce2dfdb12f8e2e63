"""The loops that make decisions real: apply events, fire timers, deliver what is owed."""
