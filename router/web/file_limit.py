"""The limit of open files, and the inbound connections that it has room for."""

import resource

WANTED_FILES = 65_536
"""The soft limit of open files that the router sets, unless the hard limit is lower."""

RESERVED_FILES = 256
"""Open files kept for the store, outgoing connections and everything else."""

MOST_CONNECTIONS = 4096
"""Maximum inbound connections."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files; the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def most_connections() -> int:
    """Inbound connections that the limit of open files has room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(16, min(MOST_CONNECTIONS, soft - max(RESERVED_FILES, soft // 4)))
