"""Churn on a population whose true risks are known, since its people leave and come by fixed chances."""

from __future__ import annotations

import random

from scipy.stats import mannwhitneyu

from posthog_mcp.analysis.churn import Day, examples, features, look_back
from posthog_mcp.analysis.stats.logistic import auc, fitted

HORIZON = 14
HAZARD = 0.01
"""Chance to leave for good, a day."""
AGE = 10 * HORIZON


RATES = (0.03, 0.1, 0.4)
"""Chances to be active on a day until they leave; a third of the people have each."""


def risk(days: list[Day], cutoff: int) -> float:
    """Chance of no activity in the horizon after `cutoff`, by Bayes' rule over rates and being gone already."""
    known = [ago - cutoff for ago, _, _ in days if ago > cutoff]
    silent, span, seen = known[0] - 1, known[-1] - known[0], len(known) - 1
    every = none = 0.0
    for rate in RATES:
        unseen = (1 - HAZARD) * (1 - rate)
        before = rate**seen * (1 - rate) ** (span - seen)
        there = before * unseen**silent
        gone = before * sum(unseen**day * HAZARD for day in range(silent))
        every += there + gone
        none += gone + there * (unseen**HORIZON + sum(unseen**day * HAZARD for day in range(HORIZON)))
    return none / every


def population(people: int) -> dict[str, list[Day]]:
    chance = random.Random(5)
    made: dict[str, list[Day]] = {}
    for number in range(people):
        rate, days = chance.choice(RATES), [(AGE, 1.0, 1.0)]
        for ago in range(AGE - 1, 0, -1):
            if chance.random() < HAZARD:
                break
            if chance.random() < rate:
                days.append((ago, 1.0, 1.0))
        made[str(number)] = sorted(days)
    return made


def test_the_model_knows_nearly_what_can_be_known() -> None:
    people = population(3000)
    histories = {key: (key, days) for key, days in people.items()}
    then, test = examples(histories, 2 * HORIZON, HORIZON), examples(histories, HORIZON, HORIZON)
    model = fitted([row for row, _ in then], [left for _, left in then])
    told, left = [model.chance(row) for row, _ in test], [case for _, case in test]
    known = [risk(days, HORIZON) for days in people.values() if features(days, HORIZON, HORIZON)]

    assert auc(told, left) > auc(known, left) - 0.05  # six features do not hold what the mechanism would tell
    assert abs(sum(told) / len(told) - sum(left) / len(left)) < 0.03
    pairs = sorted(zip(told, known, strict=True))
    for tenth in (
        pairs[at : at + len(pairs) // 10] for at in range(0, len(pairs) - len(pairs) // 10, len(pairs) // 10)
    ):
        mean_told, mean_known = (sum(each[at] for each in tenth) / len(tenth) for at in (0, 1))
        assert abs(mean_told - mean_known) < 0.1


def test_the_area_is_that_of_the_rank_test() -> None:
    chance = random.Random(2)
    scores = [round(chance.random(), 1) for _ in range(200)]
    cases = [chance.random() < score for score in scores]
    yes, no = ([s for s, c in zip(scores, cases, strict=True) if c is want] for want in (True, False))

    assert abs(auc(scores, cases) - mannwhitneyu(yes, no).statistic / (len(yes) * len(no))) < 1e-12


def test_with_people_of_all_ages_one_look_back_serves_every_time() -> None:
    """Somebody active every third day for ever looks the same at each time, and the ranking stays near the best."""
    steady = {"": ("", [(ago, 1.0, 1.0) for ago in range(1, 400, 3)])}
    back = look_back(steady, HORIZON)
    assert back == 4 * HORIZON
    assert features(steady[""][1], 0, HORIZON, back) == features(steady[""][1], 3 * HORIZON, HORIZON, back)
    chance = random.Random(3)
    cut = {key: chance.randrange(3 * HORIZON, AGE) for key in population(2000)}
    people = {
        key: [each for each in days if each[0] <= cut[key]] or [(cut[key], 1.0, 1.0)]
        for key, days in population(2000).items()
    }
    histories = {key: (key, days) for key, days in people.items()}
    then, test = (examples(histories, steps * HORIZON, HORIZON, back) for steps in (2, 1))
    model = fitted([row for row, _ in then], [left for _, left in then])
    left = [case for _, case in test]
    known = [risk(days, HORIZON) for days in people.values() if features(days, HORIZON, HORIZON, back)]
    assert auc([model.chance(row) for row, _ in test], left) > auc(known, left) - 0.05


def test_what_comes_later_is_not_known_before() -> None:
    days = [(3, 1.0, 1.0), (20, 1.0, 2.0), (50, 1.0, 1.0)]
    assert features(days, HORIZON, HORIZON) == features(days[1:], HORIZON, HORIZON)
