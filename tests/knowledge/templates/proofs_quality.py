"""Accounts, language models, data quality, comparisons. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "accounts-activity": [
        Proof("accounts", {}, "account people_now people_before active_days_now active_days_before events_now events_before health", [
            ('acme', 2, 2, 5, 5, 10, 10, 'steady'),
            ('beta', 1, 1, 2, 10, 2, 10, 'shrinking'),
            ('epsilon', 2, 1, 4, 4, 8, 4, 'growing'),
            ('gamma', 0, 1, 0, 4, 0, 4, 'silent'),
            ('delta', 1, 0, 3, 0, 3, 0, 'new'),
        ]),
        Proof("accounts", {"days": 20}, "account people_now people_before active_days_now active_days_before events_now events_before health", [
            ('acme', 2, 2, 3, 2, 6, 4, 'growing'),
            ('epsilon', 2, 2, 2, 2, 4, 4, 'steady'),
            ('beta', 0, 1, 0, 2, 0, 2, 'silent'),
            ('delta', 1, 1, 1, 2, 1, 2, 'shrinking'),
        ]),
    ],
    "accounts-adoption": [
        Proof("accounts", {"days": 60}, "account people features_used percent unused", [
            ('beta', 1, 1, 25, ['created_dashboard', 'exported_data', 'synced_integration']),
            ('delta', 1, 1, 25, ['created_dashboard', 'exported_data', 'synced_integration']),
            ('gamma', 1, 1, 25, ['exported_data', 'synced_integration', 'viewed_report']),
            ('acme', 2, 2, 50, ['created_dashboard', 'synced_integration']),
            ('epsilon', 2, 2, 50, ['created_dashboard', 'synced_integration']),
        ]),
        Proof("accounts", {"features": ["viewed_report", "exported_data"], "days": 28}, "account people features_used percent unused", [
            ('beta', 1, 1, 50, ['exported_data']),
            ('delta', 1, 1, 50, ['exported_data']),
            ('acme', 2, 2, 100, []),
            ('epsilon', 2, 2, 100, []),
        ]),
    ],
    "llm-cost": [
        Proof("assistant", {}, "part generations traces tokens_in tokens_out usd usd_a_trace percent", [
            ('claude', 2, 2, 400, 200, 0.3, 0.15, 75),
            ('gpt', 4, 3, 400, 200, 0.1, 0.033333, 25),
        ]),
        Proof("assistant", {"by": "provider", "days": 90}, "part generations traces tokens_in tokens_out usd usd_a_trace percent", [
            ('openai', 5, 4, 1300, 1100, 1.1, 0.275, 78.6),
            ('anthropic', 2, 2, 400, 200, 0.3, 0.15, 21.4),
        ]),
    ],
    "llm-cost-by-person": [
        Proof("assistant", {}, "generations traces usd percent", [(3, 3, 0.34, 85), (3, 2, 0.06, 15)]),
        Proof("assistant", {"days": 90, "limit": 1}, "generations traces usd percent", [(4, 3, 1.06, 75.7)]),
    ],
    "llm-latency": [
        Proof("assistant", {}, "part generations p50_seconds p95_seconds worst_seconds tokens_a_second", [
            ('claude', 2, 10, 10, 10, 13.3),
            ('gpt', 4, 3, 4, 4, 20),
        ]),
        Proof("assistant", {"by": "day", "days": 90}, "part generations p50_seconds p95_seconds worst_seconds tokens_a_second", [
            ('2026-10-28T00:00:00Z', 2, 10, 10, 10, 13.3),
            ('2026-09-01T00:00:00Z', 1, 9, 9, 9, 100),
            ('2026-10-20T00:00:00Z', 4, 3, 4, 4, 20),
        ]),
    ],
    "llm-errors": [
        Proof("assistant", {}, "model generations failed percent latest_error people_hit", [
            ('gpt', 4, 1, 25, '429 rate limit', 1),
            ('claude', 2, 0, 0, None, 0),
        ]),
        Proof("assistant", {"days": 5}, "model generations failed percent latest_error people_hit", [
            ('claude', 2, 0, 0, None, 0),
        ]),
    ],
    "llm-quality": [
        Proof("assistant", {}, "model traces rated_traces rated_percent average_score comments", [
            ('gpt', 3, 2, 66.7, 0.5, 1),
            ('claude', 2, 1, 50, 1, 0),
        ]),
        Proof("assistant", {"metric": "polite"}, "model traces rated_traces rated_percent average_score comments", [
            ('gpt', 3, 0, 0, None, 1),
            ('claude', 2, 1, 50, 0.5, 0),
        ]),
    ],
    "events-missing": [
        Proof("tracking", {}, "event recent expected last_seen percent_of_expected score", [
            ('dying', 0, 14, '2026-10-24T13:00:00Z', 0, -3.74),
            ('steady', 14, 19, '2026-10-31T12:00:00Z', 73.7, -1.15),
        ]),
        Proof("tracking", {"recent": 14, "days": 28, "least": 1}, "event recent expected last_seen percent_of_expected score", [
            ('old_name', 0, 11, '2026-10-11T14:00:00Z', 0, -3.32),
            ('dying', 14, 28, '2026-10-24T13:00:00Z', 50, -2.65),
            ('steady', 28, 38, '2026-10-31T12:00:00Z', 73.7, -1.62),
            ('new_name', 14, 3, '2026-10-31T14:00:00Z', 466.7, 6.35),
        ]),
    ],
    "events-duplicated": [
        Proof("tracking", {}, "event received duplicates percent people", [('payment_succeeded', 13, 2, 15.38, 1)]),
        Proof("tracking", {"within": 60}, "event received duplicates percent people", [
            ('steady', 80, 19, 23.75, 1),
            ('payment_succeeded', 13, 3, 23.08, 1),
        ]),
    ],
    "events-late": [
        Proof("tracking", {}, "segment events late late_percent from_the_future median_seconds worst_seconds", [
            ('ios', 8, 2, 25, 1, 2, 172800),
            ('none', 169, 0, 0, 0, 0, 0),
        ]),
        Proof("tracking", {"hours": 72}, "segment events late late_percent from_the_future median_seconds worst_seconds", [
            ('ios', 8, 0, 0, 1, 2, 172800),
            ('none', 169, 0, 0, 0, 0, 0),
        ]),
    ],
    "properties-mistyped": [
        Proof("tracking", {}, "kind events percent", [
            ('number', 9, 69.2),
            ('number as text', 2, 15.4),
            ('missing', 1, 7.7),
            ('text', 1, 7.7),
        ]),
        Proof("tracking", {"by": "plan"}, "kind events percent", [('text', 11, 84.6), ('missing', 2, 15.4)]),
    ],
    "properties-missing": [
        Proof("tracking", {}, "period events missing filled_percent different_values", [
            ('2026-10-19', 13, 2, 84.6, 1),
        ]),
        Proof("tracking", {"by": "amount", "interval": "day"}, "period events missing filled_percent different_values", [
            ('2026-10-20T00:00:00Z', 13, 1, 92.3, 8),
        ]),
    ],
    "events-renamed": [
        Proof("tracking", {}, "old_name new_name last_day first_day old_events new_events shared_people", [
            ('old_name', 'new_name', '2026-10-11T00:00:00Z', '2026-10-12T00:00:00Z', 39, 20, 1),
        ], head=True),
        Proof("tracking", {"least": 9, "gap": 2}, "old_name new_name last_day first_day old_events new_events shared_people", [
            ('old_name', 'new_name', '2026-10-11T00:00:00Z', '2026-10-12T00:00:00Z', 39, 20, 1),
        ]),
    ],
    "anomalous-days": [
        Proof("tracking", {"event": "steady"}, "day events usual score", [
            ('2026-10-14T00:00:00Z', 22, 2, 14.14),
        ], head=True),
        Proof("tracking", {"event": "steady", "days": 21, "limit": 1}, "day events usual score", [
            ('2026-10-14T00:00:00Z', 22, 2, 14.14),
        ]),
    ],
    "week-over-week": [
        Proof("product", {"days": 28}, "event now_count before_count people_now people_before change_percent score", [
            ('payment_succeeded', 8, 5, 8, 5, 60, 0.83),
            ('$feature_flag_called', 21, 20, 20, 20, 5, 0.16),
            ('$pageview', 40, 40, 20, 20, 0, 0),
            ('checkout_started', 7, 7, 7, 7, 0, 0),
            ('connected_integration', 5, 5, 5, 5, 0, 0),
            ('created_project', 10, 10, 10, 10, 0, 0),
            ('signed_up', 20, 20, 20, 20, 0, 0),
            ('viewed_report', 20, 20, 10, 10, 0, 0),
        ]),
        Proof("product", {"days": 14}, "event now_count before_count people_now people_before change_percent score", [
            ('$pageview', 0, 40, 0, 20, -100, -6.32),
            ('$feature_flag_called', 0, 21, 0, 20, -100, -4.58),
            ('signed_up', 0, 20, 0, 20, -100, -4.47),
            ('created_project', 0, 10, 0, 10, -100, -3.16),
            ('viewed_report', 10, 10, 5, 10, 0, 0),
        ]),
    ],
    "period-comparison": [
        Proof("product", {"days": 28}, "series value", [('now', 20), ('now (earlier)', 20)]),
        Proof("product", {"event": "payment_succeeded", "math": "dau", "days": 28}, "series value", [
            ('now', 8),
            ('now (earlier)', 5),
        ]),
    ],
}
# fmt: on
