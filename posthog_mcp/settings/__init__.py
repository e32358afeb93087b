"""Settings from flags, the environment and `.env`, in that order; the only room that reads the environment.

A wrong value is one `InvalidInput` that names the variable and what it takes. A setting whose feature does not
exist in this version is refused, not ignored: a person who asks for masking must not get unmasked rows.
"""

from posthog_mcp.settings.environment import child_environment, traces_endpoint, traces_wanted, unknown_variables
from posthog_mcp.settings.fields import DEFAULT_TOOLSETS, REGIONS, TOOLSETS
from posthog_mcp.settings.loading import Settings

__all__ = [
    "DEFAULT_TOOLSETS",
    "REGIONS",
    "TOOLSETS",
    "Settings",
    "child_environment",
    "traces_endpoint",
    "traces_wanted",
    "unknown_variables",
]
