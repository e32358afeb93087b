"""Acquisition, the site, sessions, web vitals. The rows follow from the rules of the worlds."""

from __future__ import annotations

from tests.knowledge.templates.proof import Proof

# fmt: off
PROOFS = {
    "channel-signups": [
        Proof("product", {"days": 30}, "week search social", [
            ('2026-09-28', 0, 0),
            ('2026-10-05', 10, 10),
            ('2026-10-12', 0, 0),
            ('2026-10-19', 0, 0),
            ('2026-10-26', 0, 0),
        ]),
        Proof("product", {"by": "$os", "days": 60, "interval": "month"}, "month Windows Android iOS", [
            ('2026-09-01', 10, 5, 5),
            ('2026-10-01', 10, 5, 5),
            ('2026-11-01', 0, 0, 0),
        ]),
    ],
    "channel-quality": [
        Proof("product", {"horizon": 28}, "channel people activated_percent back_after_a_week_percent paying_percent revenue_a_person", [
            ('search', 10, 100, 100, 30, 29.7),
            ('social', 10, 0, 20, 20, 5.8),
        ]),
        Proof("product", {"horizon": 20, "by": "$os"}, "channel people activated_percent back_after_a_week_percent paying_percent revenue_a_person", [
            ('Windows', 20, 0, 20, 20, 5.8),
            ('Android', 10, 100, 100, 0, 0),
            ('iOS', 10, 100, 100, 50, 49.5),
        ]),
    ],
    "channel-return-on-cost": [
        Proof("product", {"costs": "{\"search\": 400, \"social\": 100}"}, "channel people payers revenue cost cost_a_signup cost_a_payer return_on_cost roi_percent", [
            ('search', 20, 5, 743, 400, 20, 80, 1.86, 85.8),
            ('social', 20, 4, 164, 100, 5, 25, 1.64, 64),
        ]),
        Proof("product", {"costs": "{\"iOS\": 100}", "by": "$os", "days": 30}, "channel people payers revenue cost cost_a_signup cost_a_payer return_on_cost roi_percent", [
            ('iOS', 5, 2, 198, 100, 20, 50, 1.98, 98),
            ('Android', 5, 0, 0, None, None, None, None, None),
            ('Windows', 10, 2, 58, None, None, None, None, None),
        ]),
    ],
    "web-overview": [
        Proof("site", {"days": 5}, "part name visitors views sessions duration_seconds bounce_rate visitors_before views_before sessions_before", [
            ('all', '', 4, 7, 5, 32, 0.4, 1, 3, 3),
            ('page', '/', 3, 4, 4, None, None, 1, 3, 3),
        ], head=True),
        Proof("site", {"days": 30}, "part name visitors views sessions duration_seconds bounce_rate visitors_before views_before sessions_before", [
            ('all', '', 5, 11, 9, 17.7778, 0.6667, 0, 0, 0),
            ('page', '/', 4, 8, 8, None, None, 0, 0, 0),
        ], head=True),
    ],
    "top-pages": [
        Proof("site", {}, "page visitors views sessions views_a_visitor", [
            ('/', 4, 8, 8, 2),
            ('/pricing', 2, 2, 2, 1),
            ('/blog', 1, 1, 1, 1),
        ]),
        Proof("site", {"days": 4, "limit": 1}, "page visitors views sessions views_a_visitor", [('/', 3, 4, 4, 1.33)]),
    ],
    "top-referrers": [
        Proof("site", {}, "referrer visitors converted percent", [
            ('www.google.com', 3, 1, 33.3),
            ('$direct', 1, 1, 100),
            ('news.example.org', 1, 0, 0),
        ]),
        Proof("site", {"days": 4}, "referrer visitors converted percent", [
            ('www.google.com', 2, 1, 50),
            ('$direct', 1, 1, 100),
            ('news.example.org', 1, 0, 0),
        ]),
    ],
    "landing-page-conversion": [
        Proof("site", {}, "landing sessions visitors single_page_percent converted percent", [
            ('/', 7, 4, 71.4, 2, 28.6),
            ('/blog', 1, 1, 100, 0, 0),
            ('/pricing', 1, 1, 0, 0, 0),
        ]),
        Proof("site", {"days": 3}, "landing sessions visitors single_page_percent converted percent", [
            ('/', 1, 1, 0, 1, 100),
            ('/blog', 1, 1, 100, 0, 0),
        ]),
    ],
    "session-length": [
        Proof("site", {"days": 14}, "period sessions people median_seconds average_seconds events_a_session sessions_a_person", [
            ('2026-10-19', 4, 1, 0, 0, 1, 4),
            ('2026-10-26', 8, 4, 10, 35, 1.75, 2),
        ]),
        Proof("site", {"days": 5, "interval": "day"}, "period sessions people median_seconds average_seconds events_a_session sessions_a_person", [
            ('2026-10-28T00:00:00Z', 3, 3, 60, 50, 2, 1),
            ('2026-10-29T00:00:00Z', 2, 2, 10, 5, 1.5, 1),
            ('2026-10-30T00:00:00Z', 3, 3, 0, 40, 1.67, 1),
        ]),
    ],
    "session-frequency": [
        Proof("site", {}, "visits people percent", [('1', 1, 20), ('2', 2, 40), ('3 to 5', 2, 40)]),
        Proof("site", {"days": 5}, "visits people percent", [('1', 1, 25), ('2', 2, 50), ('3 to 5', 1, 25)]),
    ],
    "web-vitals-by-page": [
        Proof("site", {"least": 1}, "page measured lcp_p75_ms inp_p75_ms cls_p75 good_lcp_percent lcp_rating", [
            ('/pricing', 2, 5000, 100, 0.05, 0, 'poor'),
            ('/', 4, 3250, 100, 0.05, 50, 'needs improvement'),
        ]),
        Proof("site", {"least": 3}, "page measured lcp_p75_ms inp_p75_ms cls_p75 good_lcp_percent lcp_rating", [
            ('/', 4, 3250, 100, 0.05, 50, 'needs improvement'),
        ]),
    ],
}
# fmt: on
