"""Who gets the status page's updates by e-mail: they ask, they confirm, they're told each update
once.
"""
