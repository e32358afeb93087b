"""Funnels, paths, experiments, flags. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "conversion-rate": [
        Proof("product", {"days": 60}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, 'checkout_started', 14, 1.0, None, None, None, None),
            (2, 'checkout_completed', 9, 0.642857, 0.642857, 5, 433.333, 300.0),
        ]),
        Proof("product", {"start": "signed_up", "days": 60, "window": 9}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, 'signed_up', 40, 1.0, None, None, None, None),
            (2, 'checkout_completed', 5, 0.125, 0.125, 35, 691500.0, 691500.0),
        ]),
    ],
    "funnel-steps": [
        Proof("product", {"days": 60}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, 'signed_up', 40, 1.0, None, None, None, None),
            (2, 'checkout_started', 14, 0.35, 0.35, 26, 740571.429, 691200.0),
            (3, 'checkout_completed', 9, 0.225, 0.642857, 5, 433.333, 300.0),
        ]),
        Proof("product", {"steps": ["created_project", "signed_up"], "order": "unordered", "days": 30}, "step name people conversion_from_start conversion_from_previous dropped avg_seconds median_seconds", [
            (1, '1 step done', 20, 1.0, None, None, None, None),
            (2, '2 steps done', 10, 0.5, 0.5, 10, 3600.0, 3600.0),
        ]),
    ],
    "conversion-trend": [
        Proof("product", {"days": 60, "interval": "month"}, "month conversion", [
            ('2026-09-01', 0.7143),
            ('2026-10-01', 0.5714),
            ('2026-11-01', 0.0),
        ]),
        Proof("product", {"start": "signed_up", "goal": "created_project", "days": 30}, "week conversion", [
            ('2026-09-28', 0.0),
            ('2026-10-05', 0.5),
            ('2026-10-12', 0.0),
            ('2026-10-19', 0.0),
            ('2026-10-26', 0.0),
        ]),
    ],
    "time-to-convert-histogram": [
        Proof("product", {"start": "checkout_started", "window": 1, "days": 60}, "from_seconds people", [
            (300, 5),
        ], head=True),
        Proof("product", {"goal": "created_project", "days": 60}, "from_seconds people", [(3600, 20)], head=True),
    ],
    "funnel-change": [
        Proof("product", {}, "step event people_now people_before percent_now percent_before tried change z", [
            (1, 'signed_up', 20, 20, 100, 100, 40, 0, None),
            (2, 'checkout_started', 7, 7, 35, 35, 40, 0, 0),
            (3, 'checkout_completed', 4, 5, 57.1, 71.4, 14, -14.3, -0.557773),
        ]),
        Proof("product", {"steps": ["signed_up", "checkout_started"], "window": 777600}, "step event people_now people_before percent_now percent_before tried change z", [
            (1, 'signed_up', 20, 20, 100, 100, 40, 0, None),
            (2, 'checkout_started', 5, 5, 25, 25, 40, 0, 0),
        ]),
    ],
    "dropped-people": [
        Proof("product", {"days": 60}, "next people percent median_seconds", [
            ('viewed_report', 4, 80, 518400),
            ('$exception', 1, 20, 60),
        ]),
        Proof("product", {"start": "signed_up", "goal": "created_project", "days": 60}, "next people percent median_seconds", [
            ('$feature_flag_called', 20, 100, 60),
        ]),
    ],
    "paths-from": [
        Proof("site", {"start": "https://example.com/pricing"}, "source target value average_seconds", [
            ('1_https://example.com/pricing', '2_https://example.com', 1, 60.0),
            ('1_https://example.com/pricing', '2_signed_up', 1, 60.0),
        ]),
        Proof("site", {"start": "https://example.com", "days": 5, "steps": 3}, "source target value average_seconds", [
            ('1_https://example.com', '2_https://example.com/pricing', 1, 30.0),
            ('1_https://example.com', '2_signed_up', 1, 10.0),
            ('2_https://example.com/pricing', '3_signed_up', 1, 60.0),
        ]),
    ],
    "paths-to": [
        Proof("site", {}, "source target value average_seconds", [
            ('1_https://example.com', '2_https://example.com/pricing', 1, 30.0),
            ('1_https://example.com', '2_signed_up', 1, 10.0),
            ('2_https://example.com/pricing', '3_signed_up', 1, 60.0),
        ]),
        Proof("site", {"end": "https://example.com", "days": 5}, "source target value average_seconds", [
            ('1_https://example.com/pricing', '2_https://example.com', 1, 60.0),
        ]),
    ],
    "journeys-to-conversion": [
        Proof("product", {"days": 60}, "journey people percent median_hours", [
            ('connected_integration → viewed_report → checkout_started', 4, 44.4, 192.08),
            ('signed_up → checkout_started', 4, 44.4, 240.17),
            ('invited_teammate → viewed_report → checkout_started', 1, 11.1, 192.08),
        ]),
        Proof("product", {"length": 1, "days": 30}, "journey people percent median_hours", [
            ('checkout_started', 4, 100, 240.17),
        ]),
    ],
    "next-actions": [
        Proof("product", {"days": 60}, "next people percent median_seconds", [
            ('created_project', 20, 50, 3600),
            ('nothing', 20, 50, 0),
        ]),
        Proof("product", {"event": "checkout_started", "within": 300, "days": 60}, "next people percent median_seconds", [
            ('nothing', 9, 64.3, 0),
            ('checkout_completed', 5, 35.7, 300),
        ]),
    ],
    "experiment-result": [
        Proof("product", {}, "variant people converted rate difference ratio low high p_value", [
            ('control', 19, 5, 0.263158, 0, 1, -0.28002, 0.28002, None),
            ('test', 20, 15, 0.75, 0.486842, 2.85, 0.212578, 0.761106, 0.000503),
        ]),
        Proof("product", {"goal": "checkout_completed", "days": 60}, "variant people converted rate difference ratio low high p_value", [
            ('control', 19, 3, 0.157895, 0, 1, -0.231879, 0.231879, None),
            ('test', 20, 6, 0.3, 0.142105, 1.9, -0.117164, 0.401375, 0.2827),
        ]),
    ],
    "experiment-exposure": [
        Proof("product", {}, "variant people percent expected chi2 saw_others", [
            ('control', 20, 50, 20, 0, 1),
            ('test', 20, 50, 20, 0, 0),
        ]),
        Proof("product", {"days": 30}, "variant people percent expected chi2 saw_others", [
            ('control', 11, 55, 10, 0.2, 1),
            ('test', 9, 45, 10, 0.2, 0),
        ]),
    ],
    "experiment-revenue": [
        Proof("product", {}, "variant people payers revenue_a_person difference error z p_value", [
            ('control', 19, 3, 5.5789, 0, 4.455519, None, None),
            ('test', 20, 6, 40.05, 34.4711, 16.635944, 2.072086, 0.038257),
        ]),
        Proof("product", {"days": 30}, "variant people payers revenue_a_person difference error z p_value", [
            ('control', 10, 2, 5.8, 0, 5.468292, None, None),
            ('test', 9, 2, 22, 16.2, 15.056597, 1.07594, 0.281954),
        ]),
    ],
    "flag-exposure": [
        Proof("product", {"days": 60}, "period value people calls percent", [
            ('2026-09-07', 'control', 9, 9, 45),
            ('2026-09-07', 'test', 11, 11, 55),
            ('2026-10-05', 'control', 11, 11, 52.4),
            ('2026-10-05', 'test', 10, 10, 47.6),
        ]),
        Proof("product", {"days": 30, "interval": "day"}, "period value people calls percent", [
            ('2026-10-05T00:00:00Z', 'control', 11, 11, 52.4),
            ('2026-10-05T00:00:00Z', 'test', 10, 10, 47.6),
        ]),
    ],
}
# fmt: on
