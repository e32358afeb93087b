"""SQL for who there is: one row a visitor, with everything about them decided by hashes."""

from __future__ import annotations

from posthog_mcp.backends.local.demo.stories import (
    CREATED_PROJECT,
    LEAKY_RETURN_RATE,
    RETURN_RATE,
    STICKY_RETURN_RATE,
)


def draw(purpose: str, *who: str) -> str:
    """A number in [0, 1) that depends only on the seed, the purpose and who."""
    return f"(cityHash64({{seed}}, '{purpose}', {', '.join(who)}) % 1000000 / 1000000)"


def pick(purpose: str, choices: list[tuple[str, float]], *who: str) -> str:
    """A value by weight."""
    conditions, total = "", 0.0
    for value, weight in choices[:-1]:
        total += weight
        conditions += f"u < {total:.4f}, '{value}', "
    return f"arrayElement(arrayMap(u -> multiIf({conditions}'{choices[-1][0]}'), [{draw(purpose, *who)}]), 1)"


CHANNELS = [
    ("organic_search", 0.32),
    ("paid_social", 0.22),
    ("direct", 0.18),
    ("paid_search", 0.11),
    ("referral", 0.10),
    ("email", 0.07),
]
COUNTRIES = [("US", 0.38), ("GB", 0.14), ("DE", 0.13), ("FR", 0.09), ("IN", 0.12), ("BR", 0.07), ("AU", 0.07)]
INDUSTRIES = [("software", 0.35), ("retail", 0.2), ("finance", 0.15), ("health", 0.12), ("education", 0.18)]

REFERRERS = {
    "organic_search": "www.google.com",
    "paid_social": "www.facebook.com",
    "direct": "$direct",
    "paid_search": "www.google.com",
    "referral": "news.example.org",
    "email": "$direct",
}
UTM = {"paid_social": ("facebook", "paid_social"), "paid_search": ("google", "cpc"), "email": ("newsletter", "email")}


def by_channel(values: dict[str, str], default: str) -> str:
    cases = ", ".join(f"channel = '{channel}', {value}" for channel, value in values.items())
    return f"multiIf({cases}, {default})"


def as_uuid(purpose: str, *who: str) -> str:
    """The text of a UUID made of two hashes."""
    low, high = (f"cityHash64({{seed}}, '{purpose}', {half}, {', '.join(who)})" for half in ("0", "1"))
    return f"toString(reinterpretAsUUID(concat(reinterpretAsFixedString({low}), reinterpretAsFixedString({high}))))"


def people_select(first: int, last: int) -> str:
    """Visitors `first` to `last`. `{seed}`, `{days}`, `{companies}` and `{total}` are filled by the caller."""
    source = by_channel({channel: f"'{utm[0]}'" for channel, utm in UTM.items()}, "''")
    medium = by_channel({channel: f"'{utm[1]}'" for channel, utm in UTM.items()}, "''")
    domain = by_channel({channel: f"'{value}'" for channel, value in REFERRERS.items()}, "'$direct'")
    signs_up = by_channel({"paid_social": "0.42", "email": "0.6", "referral": "0.5"}, "0.38")
    created = f"if(variant = 'test', {CREATED_PROJECT['test']}, {CREATED_PROJECT['control']})"
    rate = f"multiIf(integrated, {STICKY_RETURN_RATE}, channel = 'paid_social', {LEAKY_RETURN_RATE}, {RETURN_RATE})"
    name_of = "splitByChar(' ', '{names}')"
    return f"""SELECT *, signed_up AND integrated_draw < 0.24 * (channel != 'paid_social') + 0.08 AS integrated,
{rate} AS return_rate,
signed_up AND {draw("created", "n")} < {created} AS created_project,
created_project AND {draw("invited", "n")} < 0.4 AS invited,
signed_up AND {draw("wants", "n")} < if(integrated, 0.6, 0.3) AS wants_to_pay,
if(has_company, concat('company_', toString(company)), '') AS company_key,
concat(first_name, ' ', last_name) AS full_name,
concat(lower(first_name), '.', lower(last_name), toString(n), '@', if(has_company, concat('company', toString(company)),
  'mail'), '.example.com') AS email
FROM (SELECT number AS n,
toUInt32(floor({{days}} * sqrt({draw("day", "n")}))) AS first_day,
{pick("channel", CHANNELS, "n")} AS channel,
{pick("platform", [("web", 0.62), ("ios", 0.22), ("android", 0.16)], "n")} AS platform,
{pick("country", COUNTRIES, "n")} AS country,
if(platform = 'web', {pick("os", [("Mac OS X", 0.42), ("Windows", 0.46), ("Linux", 0.12)], "n")},
  if(platform = 'ios', 'iOS', 'Android')) AS os,
if(platform = 'web', {pick("browser", [("Chrome", 0.62), ("Safari", 0.19), ("Firefox", 0.11), ("Microsoft Edge", 0.08)], "n")},
  '') AS browser,
{source} AS utm_source, {medium} AS utm_medium, {domain} AS referring_domain,
{draw("signup", "n")} < {signs_up} AS signed_up,
{draw("integrated", "n")} AS integrated_draw,
if({draw("variant", "n")} < 0.5, 'control', 'test') AS variant,
{draw("company?", "n")} < 0.7 AS has_company,
toUInt32(floor({{companies}} * pow({draw("company", "n")}, 1.8))) AS company,
arrayElement({name_of.replace("{names}", "Ada Ben Cleo Dario Elif Femi Greta Hugo Ines Jonas Kira Liam Mina Noor Omar Priya")},
  1 + cityHash64({{seed}}, 'first', n) % 16) AS first_name,
arrayElement({name_of.replace("{names}", "Abbott Brandt Costa Diaz Eriksen Fox Garcia Haas Ito Jansen Kaur Lopez")},
  1 + cityHash64({{seed}}, 'last', n) % 12) AS last_name,
{as_uuid("anonymous", "n")} AS anonymous_id,
concat('user_', lower(hex(cityHash64({{seed}}, 'distinct', n)))) AS user_id,
toUUID({as_uuid("person", "n")}) AS known_person,
toUUID({as_uuid("visitor", "n")}) AS visitor_person
FROM numbers({first}, {last - first}))"""
