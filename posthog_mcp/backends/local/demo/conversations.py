"""SQL for the support assistant's traces: three providers, each in its own message format.

A support session is one trace: a retrieval span, an embedding, one or two generations, and sometimes feedback. The
texts are a question, a tool call with its result, and an answer.
"""

from __future__ import annotations

from posthog_mcp.backends.local.demo.people import as_uuid, draw

QUESTIONS = (
    "How do I connect Slack to my project?",
    "Why was my card charged twice this month?",
    "My export has no rows. What am I doing wrong?",
    "Can I invite somebody who only reads dashboards?",
    "The iPhone app closes when I press Pay. Help!",
    "How do I cancel my subscription?",
    "Where can I see who changed a report?",
    "Is there an API limit on the Team plan?",
)
ANSWERS = (
    "Open Settings, then Integrations, choose Slack, and approve the workspace.",
    "I can see two attempts; the first one is a reservation that your bank drops within three days.",
    "The date filter excludes today. Set it to the last 30 days and run the export again.",
    "Yes: choose the Viewer role in the invitation. Viewers are free on every plan.",
    "I am sorry. I could not find a cause for this. Please try again later.",
    "Open Billing and press Cancel; you keep your plan until the end of the period you paid for.",
    "The activity log of the report lists every change with its author.",
    "Yes, 240 requests a minute. The Business plan has no such limit.",
)
MODELS = {
    "openai": ("gpt-4o-mini", 0.15, 0.6),
    "anthropic": ("claude-sonnet-4-5", 3.0, 15.0),
    "google": ("gemini-2.5-flash", 0.3, 2.5),
}
"""provider → model, dollars a million input tokens, dollars a million output tokens."""


def literals(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join("'" + text.replace("'", "\\'") + "'" for text in texts) + "]"


KEY = ("n", "ordinal")
TOPIC = "toUInt32(1 + cityHash64({seed}, 'topic', n, ordinal) % 8)"
QUESTION = f"arrayElement({literals(QUESTIONS)}, {TOPIC})"
ANSWER = f"arrayElement({literals(ANSWERS)}, {TOPIC})"
PROVIDER = f"multiIf({draw('provider', *KEY)} < 0.5, 'openai', {draw('provider', *KEY)} < 0.85, 'anthropic', 'google')"


def by_provider(values: dict[str, str]) -> str:
    return f"multiIf({PROVIDER} = 'openai', {values['openai']}, {PROVIDER} = 'anthropic', {values['anthropic']}, {values['google']})"


def messages() -> tuple[str, str, str]:
    """Input, output choices and tools in each provider's own shape, as JSON text."""
    question, answer = f"toJSONString({QUESTION})", f"toJSONString({ANSWER})"
    system = '"You are the support assistant of a reporting product. Be brief."'
    tool = """'{"name":"search_docs","description":"Search the help pages","parameters":{"type":"object"}}'"""
    arguments = f"""toJSONString(concat('{{"query":', {question}, '}}'))"""
    given = {
        "openai": f"""concat('[{{"role":"system","content":{system}}},{{"role":"user","content":', {question}, '}},
{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_1","type":"function","function":{{"name":"search_docs","arguments":',
{arguments}, '}}}}]}},{{"role":"tool","tool_call_id":"call_1","content":"3 pages found"}}]')""",
        "anthropic": f"""concat('[{{"role":"user","content":[{{"type":"text","text":', {question}, '}}]}},
{{"role":"assistant","content":[{{"type":"thinking","thinking":"The help pages will know."}},
{{"type":"tool_use","id":"toolu_1","name":"search_docs","input":{{"query":', {question}, '}}}}]}},
{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":"3 pages found"}}]}}]')""",
        "google": f"""concat('[{{"role":"user","parts":[{{"text":', {question}, '}}]}},
{{"role":"model","parts":[{{"functionCall":{{"name":"search_docs","args":{{"query":', {question}, '}}}}}}]}},
{{"role":"user","parts":[{{"functionResponse":{{"name":"search_docs","response":{{"pages":3}}}}}}]}}]')""",
    }
    said = {
        "openai": f"""concat('[{{"role":"assistant","content":', {answer}, '}}]')""",
        "anthropic": f"""concat('[{{"role":"assistant","content":[{{"type":"text","text":', {answer}, '}}]}}]')""",
        "google": f"""concat('[{{"role":"model","parts":[{{"text":', {answer}, '}}]}}]')""",
    }
    strip = {key: value.replace("},\n{", "},{").replace(":',\n", ":', ") for key, value in given.items()}
    return by_provider(strip), by_provider(said), f"concat('[', {tool}, ']')"


def assistant_events() -> str:
    """Array of the events of one support session."""
    trace = as_uuid("trace", *KEY)
    model = by_provider({provider: f"'{spec[0]}'" for provider, spec in MODELS.items()})
    price_in = by_provider({provider: f"{spec[1]} / 1000000" for provider, spec in MODELS.items()})
    price_out = by_provider({provider: f"{spec[2]} / 1000000" for provider, spec in MODELS.items()})
    tokens_in = f"toUInt32(180 + 900 * pow({draw('tokens_in', *KEY)}, 2))"
    tokens_out = f"toUInt32(20 + 240 * pow({draw('tokens_out', *KEY)}, 2))"
    latency = f"round(0.4 + 6 * pow({draw('latency', *KEY)}, 3), 3)"
    failed = f"{draw('failed', *KEY)} < 0.04"
    given, said, tools = messages()
    head = f"""concat(',"$ai_trace_id":"', {trace}, '"')"""
    trace_properties = f"""concat({head}, ',"$ai_span_name":"support_chat","$ai_latency":', toString({latency} + 0.3),
',"$ai_input_state":', toJSONString({QUESTION}), ',"$ai_output_state":', toJSONString({ANSWER}))"""
    span = f"""concat({head}, ',"$ai_span_id":"retrieve","$ai_parent_id":"', {trace}, '","$ai_span_name":"retrieve_pages",
"$ai_latency":0.12')""".replace('",\n"', '","')
    embedding = f"""concat({head}, ',"$ai_span_id":"embed","$ai_parent_id":"retrieve","$ai_model":"text-embedding-3-small",
"$ai_provider":"openai","$ai_input_tokens":', toString({tokens_in} % 40 + 6), ',"$ai_latency":0.05,
"$ai_total_cost_usd":0.000001')""".replace('",\n"', '","').replace("0.05,\n", "0.05,")
    generation = f"""concat({head}, ',"$ai_span_id":"answer","$ai_parent_id":"', {trace}, '","$ai_model":"', {model},
'","$ai_provider":"', {PROVIDER}, '","$ai_input":', {given}, ',"$ai_output_choices":', if({failed}, '[]', {said}),
',"$ai_tools":', {tools}, ',"$ai_input_tokens":', toString({tokens_in}), ',"$ai_output_tokens":', toString({tokens_out}),
',"$ai_latency":', toString({latency}), ',"$ai_input_cost_usd":', toString(round({tokens_in} * {price_in}, 7)),
',"$ai_output_cost_usd":', toString(round({tokens_out} * {price_out}, 7)),
',"$ai_total_cost_usd":', toString(round({tokens_in} * {price_in} + {tokens_out} * {price_out}, 7)),
if({failed}, ',"$ai_is_error":true,"$ai_error":"429 rate limit exceeded","$ai_http_status":429',
',"$ai_is_error":false,"$ai_http_status":200'))"""
    feedback = f"""concat({head}, ',"$ai_feedback_text":', if({TOPIC} = 5, '"It did not help me at all."', '"Thanks, solved."'))"""
    rated = f"if({draw('feedback', *KEY)} < 0.3, [('$ai_feedback', toUInt32(40), '/help', {feedback})], CAST([], 'Array(Tuple(String, UInt32, String, String))'))"
    return f"""arrayConcat([(if(platform = 'web', '$pageview', '$screen'), toUInt32(0), '/help', ''),
('$ai_embedding', toUInt32(3), '/help', {embedding}), ('$ai_span', toUInt32(3), '/help', {span}),
('$ai_generation', toUInt32(9), '/help', {generation}), ('$ai_trace', toUInt32(9), '/help', {trace_properties})], {rated})"""
