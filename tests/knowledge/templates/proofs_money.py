"""Revenue and what goes with conversion. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "revenue-over-time": [
        Proof("product", {"days": 60}, "month revenue payers payments", [
            ('2026-09-01', 355, 5, 5),
            ('2026-10-01', 552, 8, 8),
            ('2026-11-01', 0, 0, 0),
        ]),
        Proof("product", {"interval": "week", "days": 21}, "week revenue payers payments", [
            ('2026-10-05', 0, 0, 0),
            ('2026-10-12', 552, 8, 8),
            ('2026-10-19', 0, 0, 0),
            ('2026-10-26', 0, 0, 0),
        ]),
    ],
    "revenue-by-segment": [
        Proof("product", {"days": 60}, "segment revenue payments payers revenue_a_payer percent", [
            ('team', 594, 6, 5, 118.8, 65.5),
            ('starter', 164, 6, 4, 41, 18.1),
            ('business', 149, 1, 1, 149, 16.4),
        ]),
        Proof("product", {"by": "$os", "days": 30}, "segment revenue payments payers revenue_a_payer percent", [
            ('iOS', 446, 4, 4, 111.5, 80.8),
            ('Windows', 106, 4, 4, 26.5, 19.2),
        ]),
    ],
    "revenue-per-person": [
        Proof("product", {"days": 60}, "period active payers revenue arpu arppu percent_paying", [
            ('2026-09-01', 20, 5, 355, 17.75, 71, 25),
            ('2026-10-01', 24, 8, 552, 23, 69, 33.3),
        ]),
        Proof("product", {"interval": "week", "days": 28}, "period active payers revenue arpu arppu percent_paying", [
            ('2026-10-05', 20, 0, 0, 0, None, 0),
            ('2026-10-12', 16, 8, 552, 34.5, 69, 50),
            ('2026-10-19', 5, 0, 0, 0, None, 0),
        ]),
    ],
    "revenue-top-customers": [
        Proof("product", {"limit": 3}, "revenue payments percent percent_so_far", [
            (248, 2, 27.3, 27.3),
            (198, 2, 21.8, 49.2),
        ], head=True),
        Proof("product", {"days": 30, "limit": 2}, "revenue payments percent percent_so_far", [
            (149, 1, 27, 27),
            (99, 1, 17.9, 44.9),
        ]),
    ],
    "revenue-ltv-by-segment": [
        Proof("product", {}, "segment people payers revenue value_a_person margin", [
            ('search', 10, 3, 297, 29.7, 29.64),
            ('social', 10, 2, 58, 5.8, 7.58),
        ]),
        Proof("product", {"by": "$os", "horizon": 20}, "segment people payers revenue value_a_person margin", [
            ('iOS', 10, 5, 495, 49.5, 32.34),
            ('Windows', 20, 4, 116, 5.8, 5.22),
            ('Android', 10, 0, 0, 0, 0),
        ]),
    ],
    "what-drives-ltv": [
        Proof("product", {}, "action did_it did_not value_did value_did_not difference z p_value", [
            ('connected_integration', 5, 15, 59.4, 3.87, 55.53, 2.276642, 0.022808),
            ('created_project', 10, 10, 29.7, 5.8, 23.9, 1.531167, 0.125728),
            ('invited_teammate', 4, 16, 24.75, 16, 8.75, 0.334521, 0.737987),
        ]),
        Proof("product", {"horizon": 20, "actions": ["created_project"]}, "action did_it did_not value_did value_did_not difference z p_value", [
            ('created_project', 20, 20, 24.75, 5.8, 18.95, 1.859967, 0.06289),
        ]),
    ],
    "mrr-growth": [
        Proof("product", {"months": 2}, "month mrr_before new expansion contraction churned mrr net_retention_percent", [
            ('2026-09-01', 0, 355, 0, 0, 0, 355, None),
            ('2026-10-01', 355, 256, 50, 10, 99, 552, 83.4),
        ]),
        Proof("product", {"months": 1}, "month mrr_before new expansion contraction churned mrr net_retention_percent", [
            ('2026-10-01', 355, 256, 50, 10, 99, 552, 83.4),
        ]),
    ],
    "repeat-purchases": [
        Proof("product", {"within": 38}, "buyers bought_again percent median_days", [(5, 4, 80, 30)]),
        Proof("product", {"within": 29}, "buyers bought_again percent median_days", [(5, 0, 0, None)]),
    ],
    "average-order": [
        Proof("product", {"days": 60}, "month average median largest", [
            ('2026-09-01', 71, 99, 99),
            ('2026-10-01', 69, 64, 149),
            ('2026-11-01', 0, 0, 0),
        ]),
        Proof("product", {"days": 21, "interval": "week"}, "week average median largest", [
            ('2026-10-05', 0, 0, 0),
            ('2026-10-12', 69, 64, 149),
            ('2026-10-19', 0, 0, 0),
            ('2026-10-26', 0, 0, 0),
        ]),
    ],
    "conversion-drivers": [
        Proof("product", {}, "feature users others rate rate_of_others lift pooled z p_value", [
            ('connected_integration', 10, 30, 0.5, 0.133333, 3.75, 0.225, 2.404695, 0.016186),
            ('created_project', 20, 20, 0.25, 0.2, 1.25, 0.225, 0.378641, 0.704954),
            ('invited_teammate', 8, 32, 0.125, 0.25, 0.5, 0.225, -0.757282, 0.448881),
        ]),
        Proof("product", {"features": ["invited_teammate"], "days": 30}, "feature users others rate rate_of_others lift pooled z p_value", [
            ('invited_teammate', 4, 16, 0, 0.25, 0, 0.2, -1.118034, 0.263552),
        ]),
    ],
    "segment-conversion": [
        Proof("product", {"days": 60}, "segment people converted percent percent_of_others z p_value", [
            ('Windows', 4, 4, 100, 50, 1.763834, 0.07776),
            ('iOS', 10, 5, 50, 100, -1.763834, 0.07776),
        ]),
        Proof("product", {"start": "signed_up", "by": "channel", "days": 60}, "segment people converted percent percent_of_others z p_value", [
            ('search', 20, 5, 25, 20, 0.378641, 0.704954),
            ('social', 20, 4, 20, 25, -0.378641, 0.704954),
        ]),
    ],
}
# fmt: on
