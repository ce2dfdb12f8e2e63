"""Importers: the config of another tool to a config of the router. Pure: text in, files out.

Whatever can't be converted is in the report, with its place: a key that no importer reads is
reported by `Section.rest`, so nothing is dropped silently.
"""
