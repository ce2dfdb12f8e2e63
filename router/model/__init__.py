"""The domain model: frozen structs and enums without behaviour.

Times are seconds since the Unix epoch, UTC, as floats; durations are seconds. They become text and
local times only where a person reads them.
"""
