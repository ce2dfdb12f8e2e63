"""The public status page: shows what core/statuspage says, to browsers, feed readers and programs,
and as files.
"""
