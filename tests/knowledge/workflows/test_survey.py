"""The survey read-out, on a survey whose answers are known: 40 of 60 answered, detractors use it less and miss exports."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.insights.made import Did, written
from tests.knowledge.workflows.made_clients import client_of
from tests.knowledge.workflows.walking import END, Decide, walk

SURVEY = "018f0000-0000-4000-8000-00000000aaaa"
RATINGS = [10] * 12 + [9] * 4 + [8] * 6 + [7] * 4 + [6] * 4 + [3] * 10


def day(back: int) -> str:
    return f"{END - timedelta(days=back)}T10:00:00"


def answers() -> list[Did]:
    """Person n rates with RATINGS[n]; the first changed their mind; uses: promoters 6, passives 4, detractors 1."""
    events = [Did(f"p{n}", "survey shown", day(20), {"$survey_id": SURVEY}) for n in range(60)]
    events.append(Did("p0", "survey sent", day(19), {"$survey_id": SURVEY, "$survey_response": 1}))
    for number, rating in enumerate(RATINGS):
        said = (
            "I miss exports here"
            if rating <= 6 and number % 2
            else "Something else entirely"
            if rating <= 6
            else "Nice"
        )
        sent = {"$survey_id": SURVEY, "$survey_response": rating, "$survey_response_1": said}
        events.append(Did(f"p{number}", "survey sent", day(18), sent))
        uses = 6 if rating >= 9 else 1 if rating <= 6 else 4
        events += [Did(f"p{number}", "viewed_report", day(10 - use), {}) for use in range(uses)]
    other = {"$survey_id": "another", "$survey_response": 0, "$survey_response_1": "exports exports"}
    return [*events, Did("stranger", "survey sent", day(5), other)]


async def test_the_survey_readout_gives_the_score_its_margin_and_the_theme(tmp_path: Path) -> None:
    assert date(2026, 11, 1) == END
    decide: dict[str, Decide] = {
        "answered": lambda found: 0 if found.rows[0]["answered"] < 30 else 1,
        "score": lambda found: 0 if found.rows[0]["margin"] > 20 else 1,
        "behind": lambda found: 0 if found.rows[-1]["kind"] == "detractor" else 1,
        "words": lambda found: 0 if found.rows[0]["people"] > 3 else 1,
    }

    async with client_of(tmp_path, written(answers(), "UTC")) as client:
        walked = await walk(client, "survey-readout", decide, survey=SURVEY)

    answered, score = walked.found["answered"].rows[0], walked.found["score"].rows[0]
    assert walked.path == ["answered", "score", "behind", "words"]
    assert (answered["shown"], answered["answered"]) == (60, 40)
    assert (score["answers"], score["nps"]) == (40, pytest.approx(100 * (16 - 14) / 40)), (
        "the last answer of each counts"
    )
    assert score["margin"] == pytest.approx(196 * ((30 / 40 - (2 / 40) ** 2) / 40) ** 0.5)
    assert {row["kind"]: row["uses_a_person"] for row in walked.found["behind"].rows} == {
        "promoter": 6,
        "passive": 4,
        "detractor": 1,
    }
    assert {row["word"]: row["people"] for row in walked.found["words"].rows}["exports"] == 7
