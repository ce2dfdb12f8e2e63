"""Silences and inhibition: conditions under which an alert notifies nobody."""
