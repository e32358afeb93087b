"""What was planted in the demo, in days before its end. An analysis that finds anything else is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """A planted truth. `starts` and `ends` are days before the end of the data; None means throughout."""

    id: str
    what: str
    starts: float | None
    ends: float | None


BROKEN_CHECKOUT = Story(
    "broken_checkout",
    "iOS release 4.2.0 breaks the payment sheet: checkout completion on iOS falls from about 70 % to about 5 % until "
    "4.2.1. Web and Android do not change.",
    40,
    34,
)
OUTAGE = Story(
    "outage",
    "The API is down for four hours: nine of ten events are missing and $exception events of type ApiUnavailable appear.",
    75.0 - 10 / 24,
    75.0 - 14 / 24,
)
LEAKY_CHANNEL = Story(
    "leaky_channel",
    "Paid social brings a fifth of the sign-ups, and few of them come back after their first week.",
    None,
    None,
)
STICKY_FEATURE = Story(
    "sticky_feature",
    "People who connect an integration in their first week come back about three times as often as those who do not.",
    None,
    None,
)
EXPERIMENT = Story(
    "experiment",
    "The onboarding-checklist experiment: the test variant raises the share who create a project from 50 % to 62 %.",
    None,
    None,
)
STORIES = (BROKEN_CHECKOUT, OUTAGE, LEAKY_CHANNEL, STICKY_FEATURE, EXPERIMENT)

COMPLETION, BROKEN_COMPLETION = 0.70, 0.05
CREATED_PROJECT = {"control": 0.50, "test": 0.62}
RETURN_RATE, STICKY_RETURN_RATE, LEAKY_RETURN_RATE = 0.22, 0.70, 0.06
"""Chance of being active in the first weeks after sign-up; it decays from there."""

RELEASES = ((150, "4.0.0"), (110, "4.1.0"), (40, "4.2.0"), (34, "4.2.1"), (12, "4.3.0"))
"""Days before the end, and the mobile app's version from then on."""
