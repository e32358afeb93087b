"""Words of questions that tools name in their arguments; light, since every start of the server reads them."""

from __future__ import annotations

from typing import Literal

InsightKind = Literal["trends", "funnel", "retention", "lifecycle", "stickiness", "paths", "web"]
Interval = Literal["hour", "day", "week", "month"]
