"""Use of features, counts, activation, retention. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "popular-features": [
        Proof("product", {"days": 90}, "event people uses uses_a_person percent_of_active", [
            ('signed_up', 40, 40, 1, 100),
            ('viewed_report', 20, 40, 2, 50),
            ('created_project', 20, 20, 1, 50),
            ('checkout_started', 14, 14, 1, 35),
            ('connected_integration', 10, 10, 1, 25),
            ('payment_succeeded', 9, 13, 1.44, 22.5),
            ('checkout_completed', 9, 9, 1, 22.5),
            ('invited_teammate', 8, 8, 1, 20),
        ]),
        Proof("product", {"days": 21}, "event people uses uses_a_person percent_of_active", [
            ('viewed_report', 10, 20, 2, 62.5),
            ('payment_succeeded', 8, 8, 1, 50),
            ('checkout_started', 7, 7, 1, 43.8),
            ('checkout_completed', 4, 4, 1, 25),
        ]),
    ],
    "feature-adoption": [
        Proof("product", {"days": 28}, "period active users percent uses", [
            ('2026-10-05', 20, 0, 0, 0),
            ('2026-10-12', 16, 10, 62.5, 10),
            ('2026-10-19', 5, 5, 100, 10),
        ]),
        Proof("product", {"event": "created_project", "days": 60, "interval": "month"}, "period active users percent uses", [
            ('2026-09-01', 20, 10, 50, 10),
            ('2026-10-01', 24, 10, 41.7, 10),
        ]),
    ],
    "feature-decline": [
        Proof("product", {"days": 28}, "event people_now people_before difference change_percent", [
            ('checkout_completed', 4, 5, -1, -20),
            ('checkout_started', 7, 7, 0, 0),
            ('connected_integration', 5, 5, 0, 0),
            ('created_project', 10, 10, 0, 0),
            ('invited_teammate', 4, 4, 0, 0),
            ('signed_up', 20, 20, 0, 0),
            ('viewed_report', 10, 10, 0, 0),
            ('payment_succeeded', 8, 5, 3, 60),
        ]),
        Proof("product", {"days": 14}, "event people_now people_before difference change_percent", [
            ('signed_up', 0, 20, -20, -100),
            ('created_project', 0, 10, -10, -100),
            ('payment_succeeded', 0, 8, -8, -100),
            ('checkout_started', 0, 7, -7, -100),
            ('connected_integration', 0, 5, -5, -100),
            ('viewed_report', 5, 10, -5, -50),
            ('checkout_completed', 0, 4, -4, -100),
            ('invited_teammate', 0, 4, -4, -100),
        ]),
    ],
    "feature-retention": [
        Proof("product", {"event": "viewed_report", "periods": 4}, "cohort|size|week 0|week 1", [
            ('all', 10, 10, 5),
            ('of', 10, 10, 10),
        ], head=True),
        Proof("product", {"event": "viewed_report", "period": "month", "periods": 2}, "cohort|size|month 0|month 1", [
            ('all', 20, 20, 0),
            ('of', 20, 20, 10),
        ], head=True),
    ],
    "feature-first-use": [
        Proof("product", {"event": "viewed_report"}, "day people percent_so_far", [(7, 20, 50)]),
        Proof("product", {"event": "created_project", "days": 30}, "day people percent_so_far", [(0, 10, 50)]),
    ],
    "usage-by-segment": [
        Proof("product", {"event": "viewed_report", "days": 90}, "series value", [('Android', 10), ('iOS', 10)]),
        Proof("product", {"event": "signed_up", "by": "channel", "days": 30}, "series value", [
            ('search', 10),
            ('social', 10),
        ]),
    ],
    "active-people": [
        Proof("product", {"days": 60, "interval": "month"}, "month people", [
            ('2026-09-01', 20),
            ('2026-10-01', 24),
            ('2026-11-01', 0),
        ]),
        Proof("product", {"event": "viewed_report", "days": 28, "interval": "week"}, "week people", [
            ('2026-09-28', 0),
            ('2026-10-05', 0),
            ('2026-10-12', 10),
            ('2026-10-19', 5),
            ('2026-10-26', 0),
        ]),
    ],
    "event-count": [
        Proof("product", {"days": 60, "interval": "month"}, "month events", [
            ('2026-09-01', 20),
            ('2026-10-01', 20),
            ('2026-11-01', 0),
        ]),
        Proof("product", {"event": "viewed_report", "days": 21, "interval": "week"}, "week events", [
            ('2026-10-05', 0),
            ('2026-10-12', 10),
            ('2026-10-19', 10),
            ('2026-10-26', 0),
        ]),
    ],
    "new-people": [
        Proof("product", {"days": 60, "interval": "month"}, "month new", [
            ('2026-09-01', 20),
            ('2026-10-01', 20),
            ('2026-11-01', 0),
        ]),
        Proof("product", {"event": "viewed_report", "days": 60, "interval": "month"}, "month new", [
            ('2026-09-01', 10),
            ('2026-10-01', 10),
            ('2026-11-01', 0),
        ]),
    ],
    "cumulative-count": [
        Proof("product", {"days": 60, "interval": "month"}, "month total", [
            ('2026-09-01', 20),
            ('2026-10-01', 40),
            ('2026-11-01', 40),
        ]),
        Proof("product", {"event": "viewed_report", "days": 28, "interval": "week"}, "week total", [
            ('2026-09-28', 0),
            ('2026-10-05', 0),
            ('2026-10-12', 10),
            ('2026-10-19', 20),
            ('2026-10-26', 20),
        ]),
    ],
    "busiest-hours": [
        Proof("product", {"days": 60, "limit": 3}, "weekday hour people events", [
            (1, 10, 40, 111),
            (1, 9, 40, 80),
            (1, 11, 20, 20),
        ]),
        Proof("product", {"days": 14, "limit": 2}, "weekday hour people events", [(1, 10, 5, 5), (7, 10, 5, 5)]),
    ],
    "activation-rate": [
        Proof("product", {}, "week people activated_people percent", [
            ('2026-09-07', 20, 10, 50),
            ('2026-10-05', 20, 10, 50),
        ]),
        Proof("product", {"action": "connected_integration", "within": 1}, "week people activated_people percent", [
            ('2026-09-07', 20, 0, 0),
            ('2026-10-05', 20, 0, 0),
        ]),
    ],
    "aha-moment": [
        Proof("product", {}, "uses people stayed percent_stayed percent_of_others gap percent_of_all_who_stayed", [
            (1, 10, 5, 50, 0, 50, 100),
            (2, 0, 0, None, 25, None, 0),
            (3, 0, 0, None, 25, None, 0),
            (4, 0, 0, None, 25, None, 0),
            (5, 0, 0, None, 25, None, 0),
            (7, 0, 0, None, 25, None, 0),
            (10, 0, 0, None, 25, None, 0),
        ]),
        Proof("product", {"early": 8, "later": 21}, "uses people stayed percent_stayed percent_of_others gap percent_of_all_who_stayed", [
            (1, 20, 12, 60, 20, 40, 75),
            (2, 0, 0, None, 40, None, 0),
            (3, 0, 0, None, 40, None, 0),
            (4, 0, 0, None, 40, None, 0),
            (5, 0, 0, None, 40, None, 0),
            (7, 0, 0, None, 40, None, 0),
            (10, 0, 0, None, 40, None, 0),
        ]),
    ],
    "early-action-lift": [
        Proof("product", {}, "action did_it did_not rate rate_of_others lift pooled z p_value", [
            ('created_project', 10, 10, 1, 0.2, 5, 0.6, 3.651484, 0.000261),
            ('connected_integration', 5, 15, 1, 0.466667, 2.143, 0.6, 2.108185, 0.035015),
            ('invited_teammate', 4, 16, 0.5, 0.625, 0.8, 0.6, -0.456435, 0.648077),
        ]),
        Proof("product", {"later": 21, "early": 6}, "action did_it did_not rate rate_of_others lift pooled z p_value", [
            ('created_project', 20, 20, 1, 0.2, 5, 0.6, 5.163978, 0.0),
            ('connected_integration', 10, 30, 1, 0.466667, 2.143, 0.6, 2.981424, 0.002869),
            ('invited_teammate', 8, 32, 0.5, 0.625, 0.8, 0.6, -0.645497, 0.518605),
        ]),
    ],
    "onboarding-funnel": [
        Proof("product", {}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, 'signed_up', 40, 1.0, None, None, None, None),
            (2, 'created_project', 20, 0.5, 0.5, 20, 3600.0, 3600.0),
            (3, 'invited_teammate', 4, 0.1, 0.2, 16, 169200.0, 169200.0),
        ]),
        Proof("product", {"steps": ["signed_up", "connected_integration", "viewed_report"], "days": 30}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, 'signed_up', 20, 1.0, None, None, None, None),
            (2, 'connected_integration', 5, 0.25, 0.25, 15, 86400.0, 86400.0),
            (3, 'viewed_report', 5, 0.25, 1.0, 0, 518400.0, 518400.0),
        ]),
    ],
    "time-to-value": [
        Proof("product", {}, "started reached_it percent p25_hours median_hours p90_hours", [(40, 20, 50, 1, 1, 1)]),
        Proof("product", {"action": "viewed_report", "days": 30}, "started reached_it percent p25_hours median_hours p90_hours", [
            (20, 10, 50, 168, 168, 168),
        ]),
    ],
    "time-to-value-trend": [
        Proof("product", {}, "week people reached_it median_hours", [
            ('2026-09-07', 20, 10, 1),
            ('2026-10-05', 20, 10, 1),
        ]),
        Proof("product", {"action": "invited_teammate"}, "week people reached_it median_hours", [
            ('2026-09-07', 20, 4, 48),
            ('2026-10-05', 20, 4, 48),
        ]),
    ],
    "weekly-retention": [
        Proof("product", {"periods": 9}, "cohort|size|week 0|week 1|week 2|week 3", [
            ('all', 40, 40, 20, 10, 0),
            ('of', 40, 40, 40, 40, 20),
        ], head=True),
        Proof("product", {"period": "month", "periods": 2}, "cohort|size|month 0|month 1", [
            ('all', 40, 40, 0),
            ('of', 40, 40, 20),
        ], head=True),
    ],
    "retention-by-segment": [
        Proof("product", {}, "segment people returned percent centre margin", [
            ('search', 10, 10, 100, 0.857143, 18.3),
            ('social', 10, 2, 20, 0.285714, 23.7),
        ]),
        Proof("product", {"by": "$os", "later": 21}, "segment people returned percent centre margin", [
            ('Android', 10, 10, 100, 0.857143, 18.3),
            ('iOS', 10, 10, 100, 0.857143, 18.3),
            ('Windows', 20, 4, 20, 0.25, 17.3),
        ]),
    ],
    "new-people-retention": [
        Proof("product", {}, "day people on_the_day on_or_after percent_on_the_day percent_on_or_after", [
            (1, 40, 10, 28, 25, 70),
            (7, 40, 20, 24, 50, 60),
            (14, 40, 10, 12, 25, 30),
            (30, 20, 0, 4, 0, 20),
        ]),
        Proof("product", {"start": "viewed_report"}, "day people on_the_day on_or_after percent_on_the_day percent_on_or_after", [
            (1, 20, 12, 12, 60, 60),
            (7, 20, 10, 10, 50, 50),
            (14, 20, 0, 2, 0, 10),
            (30, 10, 0, 2, 0, 20),
        ]),
    ],
}
# fmt: on
