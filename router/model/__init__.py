"""What the router speaks about: frozen structs and enums, with no behaviour of their own.

Times are seconds since the Unix epoch, UTC, as floats; lengths of time are seconds. They become
words and zones only where a person reads them.
"""
