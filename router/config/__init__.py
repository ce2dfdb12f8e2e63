"""Decoding of YAML into structs.

All errors of a file are reported together, each with file:line:column.
"""
