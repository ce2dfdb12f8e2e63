"""The loops that apply decisions: process events, fire timers, deliver messages."""
