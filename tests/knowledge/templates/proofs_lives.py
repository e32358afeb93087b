"""Churn, stickiness, who did what. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "people-at-risk": [
        Proof("product", {"quiet": 14, "least": 3, "days": 60}, "email active_days", [
            ('p0@example.com', 8),
            ('p10@example.com', 4),
            ('p11@example.com', 3),
            ('p12@example.com', 6),
            ('p16@example.com', 6),
            ('p1@example.com', 3),
            ('p30@example.com', 4),
            ('p4@example.com', 6),
            ('p8@example.com', 7),
        ], unordered=True),
        Proof("product", {"quiet": 10, "least": 4, "days": 56, "limit": 3}, "email active_days", [
            ('p0@example.com', 8),
            ('p16@example.com', 6),
            ('p8@example.com', 7),
        ], unordered=True),
    ],
    "churn-rate": [
        Proof("product", {}, "active_in active lost churn_percent", [
            ('2026-09-14', 10, 5, 50),
            ('2026-09-21', 5, 5, 100),
            ('2026-10-12', 10, 5, 50),
        ]),
        Proof("product", {"event": "payment_succeeded", "period": "month", "days": 90}, "active_in active lost churn_percent", [
            ('2026-09-01', 5, 1, 20),
        ]),
    ],
    "last-actions-before-leaving": [
        Proof("product", {"quiet": 28}, "last_event people_gone people_still_here percent_of_gone percent_of_others", [
            ('viewed_report', 7, 9, 43.8, 37.5),
            ('$feature_flag_called', 6, 6, 37.5, 25),
            ('invited_teammate', 2, 2, 12.5, 8.3),
            ('$exception', 1, 1, 6.2, 4.2),
            ('payment_succeeded', 0, 6, 0, 25),
        ]),
        Proof("product", {"quiet": 14, "days": 28}, "last_event people_gone people_still_here percent_of_gone percent_of_others", [
            ('$feature_flag_called', 6, 0, 31.6, 0),
            ('payment_succeeded', 6, 0, 31.6, 0),
            ('viewed_report', 4, 5, 21.1, 100),
            ('invited_teammate', 2, 0, 10.5, 0),
            ('$exception', 1, 0, 5.3, 0),
        ]),
    ],
    "growth-accounting": [
        Proof("product", {"days": 56}, "week new returning resurrecting dormant", [
            ('2026-08-31', 0, 0, 0, 0),
            ('2026-09-07', 0, 0, 0, 0),
            ('2026-09-14', 0, 0, 10, 0),
            ('2026-09-21', 0, 5, 0, -5),
            ('2026-09-28', 0, 0, 0, -5),
            ('2026-10-05', 0, 0, 0, 0),
            ('2026-10-12', 0, 0, 10, 0),
            ('2026-10-19', 0, 5, 0, -5),
            ('2026-10-26', 0, 0, 0, -5),
        ]),
        Proof("product", {"event": "payment_succeeded", "interval": "month", "days": 60}, "month new returning resurrecting dormant", [
            ('2026-09-01', 5, 0, 0, 0),
            ('2026-10-01', 4, 4, 0, -1),
            ('2026-11-01', 0, 0, 0, -8),
        ]),
    ],
    "stickiness-ratio": [
        Proof("product", {}, "average_dau people percent active_days_a_person", [(2.18, 24, 9.1, 2.54)]),
        Proof("product", {"days": 14}, "average_dau people percent active_days_a_person", [(0.71, 5, 14.3, 2)]),
    ],
    "stickiness-curve": [
        Proof("product", {"days": 28}, "intervals people", [(1, 5), (2, 0), (3, 5)], head=True),
        Proof("product", {"event": "payment_succeeded", "interval": "month", "days": 60}, "intervals people", [
            (1, 5),
            (2, 4),
            (3, 0),
        ]),
    ],
    "power-users": [
        Proof("product", {"days": 28, "limit": 3}, "email active_days events features", [
            ('p20@example.com', 7, 12, 6),
            ('p24@example.com', 6, 12, 7),
            ('p32@example.com', 6, 12, 7),
        ], unordered=True),
        Proof("product", {"days": 60, "limit": 2}, "email active_days events features", [
            ('p0@example.com', 8, 15, 8),
            ('p8@example.com', 7, 13, 7),
        ], unordered=True),
    ],
    "power-user-features": [
        Proof("product", {"least": 4, "days": 28}, "event power_users others share share_of_others lift", [
            ('connected_integration', 5, 0, 0.833333, 0, None),
            ('created_project', 6, 4, 1, 0.222222, 4.5),
            ('viewed_report', 6, 4, 1, 0.222222, 4.5),
            ('checkout_started', 5, 2, 0.833333, 0.111111, 7.5),
            ('checkout_completed', 2, 2, 0.333333, 0.111111, 3),
            ('invited_teammate', 2, 2, 0.333333, 0.111111, 3),
            ('signed_up', 6, 14, 1, 0.777778, 1.29),
            ('payment_succeeded', 2, 6, 0.333333, 0.333333, 1),
        ]),
        Proof("product", {"least": 5, "days": 60}, "event power_users others share share_of_others lift", [
            ('connected_integration', 10, 0, 1, 0, None),
            ('checkout_started', 10, 4, 1, 0.133333, 7.5),
            ('created_project', 10, 10, 1, 0.333333, 3),
            ('viewed_report', 10, 10, 1, 0.333333, 3),
            ('checkout_completed', 5, 4, 0.5, 0.133333, 3.75),
            ('payment_succeeded', 5, 4, 0.5, 0.133333, 3.75),
            ('invited_teammate', 2, 6, 0.2, 0.2, 1),
            ('signed_up', 10, 30, 1, 1, 1),
        ]),
    ],
    "people-who-did": [
        Proof("product", {"event": "payment_succeeded", "days": 90, "limit": 3}, "email times", [
            ('p11@example.com', 2),
            ('p1@example.com', 2),
            ('p8@example.com', 2),
        ], unordered=True),
        Proof("product", {"event": "$exception", "days": 60}, "email times", [
            ('p0@example.com', 1),
            ('p10@example.com', 1),
            ('p1@example.com', 3),
            ('p20@example.com', 1),
            ('p30@example.com', 1),
        ], unordered=True),
    ],
    "people-who-did-not": [
        Proof("product", {"days": 30}, "email", [
            ('p21@example.com',),
            ('p23@example.com',),
            ('p25@example.com',),
            ('p27@example.com',),
            ('p29@example.com',),
            ('p31@example.com',),
            ('p33@example.com',),
            ('p35@example.com',),
            ('p37@example.com',),
            ('p39@example.com',),
        ], unordered=True),
        Proof("product", {"event": "checkout_started", "missing": "checkout_completed", "days": 60}, "email", [
            ('p12@example.com',),
            ('p20@example.com',),
            ('p28@example.com',),
            ('p36@example.com',),
            ('p4@example.com',),
        ], unordered=True),
    ],
}
# fmt: on
