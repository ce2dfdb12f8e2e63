"""YAML into structs.

Whatever is wrong with a file is said at once, each error with file:line:column.
"""
