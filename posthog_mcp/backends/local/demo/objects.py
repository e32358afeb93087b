"""The demo's metadata objects, in PostHog's REST shapes: what a team would have saved around these events."""

from __future__ import annotations

from datetime import datetime, timedelta

from posthog_mcp.backends.local.demo.stories import RELEASES
from posthog_mcp.results import Json

Body = dict[str, Json]
Made = tuple[str, Body]


def demo_objects(end: datetime) -> list[Made]:
    """(kind, body) in the order of creation; ids count from 1 within a kind."""
    return [
        *(("insights", insight) for insight in insights()),
        *(("dashboards", dashboard) for dashboard in dashboards()),
        *(("actions", action) for action in actions()),
        *(("cohorts", cohort) for cohort in cohorts()),
        *(("annotations", annotation) for annotation in release_notes(end)),
        *(("feature_flags", flag) for flag in feature_flags()),
        ("experiments", experiment(end)),
        ("surveys", survey(end)),
        ("early_access_feature", {"name": "Scheduled exports", "stage": "beta", "description": "Exports by e-mail."}),
        *(("error_tracking_issues", issue) for issue in error_issues()),
        ("notebooks", {"title": "Why checkout fell in iOS 4.2.0", "content": {"type": "doc", "content": []}}),
        ("alerts", {"name": "Sign-ups a day below 5", "insight": 1, "threshold": {"lower": 5}}),
        ("subscriptions", {"title": "Weekly growth", "target_type": "email", "frequency": "weekly", "dashboard": 1}),
    ]


def hogql(name: str, description: str, query: str) -> Body:
    source: Json = {"kind": "HogQLQuery", "query": query}
    return {"name": name, "description": description, "query": {"kind": "DataVisualizationNode", "source": source}}


def trends(name: str, event: str, math: str, interval: str = "day", breakdown: str | None = None) -> Body:
    series: Json = [{"kind": "EventsNode", "event": event, "math": math}]
    source: Body = {"kind": "TrendsQuery", "series": series, "interval": interval, "dateRange": {"date_from": "-30d"}}
    if breakdown:
        source["breakdownFilter"] = {"breakdown": breakdown, "breakdown_type": "event"}
    return {"name": name, "query": {"kind": "InsightVizNode", "source": source}}


def insights() -> list[Body]:
    steps: Json = [{"kind": "EventsNode", "event": e} for e in ("signed_up", "created_project", "invited_teammate")]
    funnel: Json = {"kind": "FunnelsQuery", "series": steps, "dateRange": {"date_from": "-90d"}}
    retention: Json = {"kind": "RetentionQuery", "retentionFilter": {"period": "Week", "totalIntervals": 8}}
    return [
        trends("Sign-ups a day", "signed_up", "total"),
        trends("Weekly active people", "viewed_report", "weekly_active"),
        trends("Page views by browser", "$pageview", "total", breakdown="$browser"),
        {"name": "Activation funnel", "query": {"kind": "InsightVizNode", "source": funnel}},
        {"name": "Weekly retention", "query": {"kind": "InsightVizNode", "source": retention}},
        hogql(
            "Checkout completion by platform",
            "Completed checkouts for each one started.",
            "SELECT properties.$os AS os, countIf(event = 'checkout_completed') / countIf(event = 'checkout_started') "
            "AS completion FROM events WHERE event IN ('checkout_started', 'checkout_completed') "
            "AND timestamp > now() - INTERVAL 30 DAY GROUP BY os ORDER BY completion LIMIT 20",
        ),
        hogql(
            "Revenue by month",
            "Successful payments in US dollars.",
            "SELECT toStartOfMonth(timestamp) AS month, sum(properties.amount) AS revenue FROM events "
            "WHERE event = 'payment_succeeded' AND timestamp > now() - INTERVAL 365 DAY "
            "GROUP BY month ORDER BY month LIMIT 24",
        ),
        hogql(
            "Assistant cost by model",
            "What the support assistant cost, by model.",
            "SELECT properties.$ai_model AS model, count() AS generations, sum(properties.$ai_total_cost_usd) AS usd "
            "FROM events WHERE event = '$ai_generation' AND timestamp > now() - INTERVAL 30 DAY "
            "GROUP BY model ORDER BY usd DESC LIMIT 20",
        ),
    ]


def dashboards() -> list[Body]:
    contents = {"Growth": (1, 2, 4, 5), "Revenue": (6, 7), "Support assistant": (8,)}
    return [
        {"name": name, "tiles": [{"id": at, "insight": at} for at in insight_ids], "pinned": name == "Growth"}
        for name, insight_ids in contents.items()
    ]


def actions() -> list[Body]:
    steps: dict[str, Json] = {
        "Activated": [{"event": "created_project"}],
        "Paid": [{"event": "payment_succeeded"}],
        "Viewed pricing": [{"event": "$pageview", "url": "/pricing", "url_matching": "contains"}],
    }
    return [{"name": name, "steps": found} for name, found in steps.items()]


def cohorts() -> list[Body]:
    def having(key: str, value: str) -> Json:
        condition: Json = {"type": "person", "key": key, "value": [value], "operator": "exact"}
        return {"properties": {"type": "AND", "values": [condition]}}

    return [
        {"name": "Came from paid social", "filters": having("signup_channel", "paid_social")},
        {"name": "In the United States", "filters": having("country", "US")},
        {"name": "Beta testers", "is_static": True, "filters": {}},
    ]


def release_notes(end: datetime) -> list[Body]:
    released: list[Body] = [
        {"content": f"Mobile release {version}", "date_marker": (end - timedelta(days=day)).isoformat()}
        for day, version in RELEASES
    ]
    outage: Body = {"content": "API outage, four hours", "date_marker": (end - timedelta(days=75)).isoformat()}
    return [*released, outage]


def feature_flags() -> list[Body]:
    def rollout(share: int) -> Json:
        return {"groups": [{"properties": [], "rollout_percentage": share}]}

    return [
        {"key": "onboarding-checklist", "name": "Onboarding checklist experiment", "filters": rollout(100)},
        {"key": "new-billing-page", "name": "New billing page", "filters": rollout(20)},
        {"key": "dark-mode", "name": "Dark mode", "active": False, "filters": rollout(0)},
    ]


def experiment(end: datetime) -> Body:
    variants: Json = [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]
    return {
        "name": "Onboarding checklist",
        "description": "Does a checklist make more people create a project?",
        "feature_flag_key": "onboarding-checklist",
        "start_date": (end - timedelta(days=180)).isoformat(),
        "parameters": {"feature_flag_variants": variants},
        "metrics": [
            {
                "kind": "ExperimentMetric",
                "metric_type": "funnel",
                "name": "Created a project",
                "series": [{"kind": "EventsNode", "event": "created_project"}],
            }
        ],
    }


def survey(end: datetime) -> Body:
    question: Json = {"type": "rating", "question": "How likely are you to recommend us?", "scale": 10}
    return {"name": "NPS", "questions": [question], "start_date": (end - timedelta(days=60)).isoformat()}


def error_issues() -> list[Body]:
    names = ("TypeError: Cannot read properties of undefined", "ApiUnavailable: 503", "PaymentSheetError")
    return [{"name": name, "status": "active"} for name in names]
