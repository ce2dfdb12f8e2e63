"""Linear issues."""
