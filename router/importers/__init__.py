"""Importers: convert another tool's config to a config of the router. Pure: text in, files out.

The report lists everything that can't be converted, with its place. `Section.rest` reports keys
that no importer reads, so nothing is dropped silently.
"""
