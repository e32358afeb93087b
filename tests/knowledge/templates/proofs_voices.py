"""Errors, rage clicks, surveys. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "errors-by-type": [
        Proof("product", {"days": 60}, "error_type people sessions errors first_seen last_seen percent_of_active", [
            ('TypeError', 4, 4, 4, '2026-09-15T10:01:00Z', '2026-10-13T10:01:00Z', 10),
            ('PaymentError', 1, 1, 3, '2026-09-17T10:01:00Z', '2026-09-17T10:03:00Z', 2.5),
        ]),
        Proof("product", {"days": 28}, "error_type people sessions errors first_seen last_seen percent_of_active", [
            ('TypeError', 2, 2, 2, '2026-10-13T10:01:00Z', '2026-10-13T10:01:00Z', 8.3),
        ]),
    ],
    "errors-by-release": [
        Proof("product", {"days": 60}, "segment people people_with_errors percent errors", [
            ('1.0', 4, 4, 100, 4),
            ('none', 40, 1, 2.5, 3),
        ]),
        Proof("product", {"by": "$os", "days": 60}, "segment people people_with_errors percent errors", [
            ('Android', 10, 2, 20, 2),
            ('iOS', 10, 2, 20, 2),
            ('Windows', 20, 1, 5, 3),
        ]),
    ],
    "errors-crash-free": [
        Proof("product", {"days": 60, "interval": "week"}, "period sessions with_errors crash_free_percent people people_with_errors crash_free_people_percent", [
            ('2026-09-07', 20, 0, 100, 20, 0, 100),
            ('2026-09-14', 8, 3, 62.5, 8, 3, 62.5),
            ('2026-10-05', 20, 0, 100, 20, 0, 100),
            ('2026-10-12', 8, 2, 75, 8, 2, 75),
        ]),
        Proof("product", {"days": 28}, "period sessions with_errors crash_free_percent people people_with_errors crash_free_people_percent", [
            ('2026-10-05T00:00:00Z', 20, 0, 100, 20, 0, 100),
            ('2026-10-13T00:00:00Z', 6, 2, 66.67, 6, 2, 66.67),
            ('2026-10-15T00:00:00Z', 2, 0, 100, 2, 0, 100),
        ]),
    ],
    "errors-people": [
        Proof("product", {"days": 60}, "email errors", [
            ('p0@example.com', 1),
            ('p10@example.com', 1),
            ('p20@example.com', 1),
            ('p30@example.com', 1),
        ], unordered=True),
        Proof("product", {"error": "PaymentError", "days": 60}, "email errors", [
            ('p1@example.com', 3),
        ], unordered=True),
    ],
    "errors-and-conversion": [
        Proof("product", {"days": 60}, "sessions_were sessions converted percent", [
            ('with an error', 3, 2, 66.7),
            ('without', 11, 7, 63.6),
        ]),
        Proof("product", {"start": "signed_up", "goal": "created_project"}, "sessions_were sessions converted percent", [
            ('without', 20, 10, 50),
        ]),
    ],
    "rage-clicks": [
        Proof("site", {}, "page element rage_clicks people sessions watch", [
            ('/pricing', 'Buy', 4, 2, 2, 'rage-v1'),
            ('/', 'Menu', 1, 1, 1, 'rage-v2'),
        ]),
        Proof("site", {"days": 1}, "", []),
    ],
    "survey-nps": [
        Proof("site", {"survey": "nps", "interval": "all"}, "period answers promoters passives detractors nps margin", [
            ('all', 8, 4, 2, 2, 25, 57.5),
        ]),
        Proof("site", {"survey": "nps", "days": 30}, "period answers promoters passives detractors nps margin", [
            ('2026-10-01', 6, 4, 2, 0, 66.7, 37.7),
        ]),
    ],
    "survey-answers": [
        Proof("site", {"survey": "nps"}, "answer people answers percent", [
            ('10', 2, 2, 22.2),
            ('9', 2, 2, 22.2),
            ('1', 1, 1, 11.1),
            ('3', 1, 1, 11.1),
            ('6', 1, 1, 11.1),
            ('7', 1, 1, 11.1),
            ('8', 1, 1, 11.1),
        ]),
        Proof("site", {"survey": "nps", "days": 30}, "answer people answers percent", [
            ('10', 2, 2, 33.3),
            ('9', 2, 2, 33.3),
            ('7', 1, 1, 16.7),
            ('8', 1, 1, 16.7),
        ]),
    ],
    "survey-response-rate": [
        Proof("site", {}, "survey shown answered dismissed percent", [('nps', 10, 8, 1, 80)]),
        Proof("site", {"days": 30}, "survey shown answered dismissed percent", [('nps', 0, 6, 1, None)]),
    ],
}
# fmt: on
