"""What a model writes is held against the facts: value, unit, direction, date, and numbers in words."""

from __future__ import annotations

import pytest

from posthog_mcp.reports.numbers import unknown_numbers

FACTS = (
    "**Sign-ups**: 1,234, down 12.5 % on 1,410; usual 1,300 to 1,500. **Revenue** up 31.0 % on 600. "
    "Completion 57.9 %, down 12.9 points on 70.8 % since 2026-09-22 13:23. 7 people came back 1.6 times as often."
)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("1,234 people", []),
        ("1234 people on 2026-09-22 at 13:23", []),
        ("down 12.50 %", []),
        ("Sign-ups fell by 12.5 percent, to 1,234.", []),
        ("Revenue rose by 31 %.", []),
        ("Completion lost 12.9 percentage points.", []),
        ("on 22 September, and on September 22nd, 2026", []),
        ("seven people came back 1.6 times as often", []),
        ("one thing stands out", []),
        ("99 people", ["99"]),
        ("1,235 people", ["1235"]),
        ("0.125 of the sign-ups", ["0.125"]),
        ("12.5 points", ["12.5 points"]),
        ("57.9 people", ["57.9"]),
        ("about 13 %", ["13 %"]),
        ("31 people", ["31"]),
        ("22 % less", ["22 %"]),
        ("2026 people", ["2026"]),
        ("Sign-ups rose by 12.5 %", ["12.5 %"]),
        ("Revenue: -31 %", ["-31 %"]),
        ("Revenue fell by 31 %", ["31 %"]),
        ("1234k people", ["1234 k"]),
        ("1,234 million people", ["1234 million", "million"]),
        ("since 2026-09-23", ["2026-09-23"]),
        ("since 23 September", ["23 September"]),
        ("since September 22, 2025", ["September 22, 2025"]),
        ("at 13:24", ["13:24"]),
        ("Revenue doubled", ["doubled"]),
        ("Half of the people, a third more, twice as many", ["half", "third", "twice"]),
        ("fell by five percent", ["five"]),
        ("a threefold rise", ["threefold"]),
    ],
)
def test_only_the_facts_numbers_pass(text: str, wrong: list[str]) -> None:
    assert unknown_numbers(text, FACTS) == wrong
