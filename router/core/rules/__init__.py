"""Rules: which alerts they match, how severe those alerts are, and the checks of rule files."""
