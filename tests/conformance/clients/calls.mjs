// One call of every tool, in an order in which each has what it needs. Throws at the first answer that is wrong.
const QUERY = "SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC LIMIT 3";

export async function callEveryTool(client) {
  const { tools } = await client.listTools();
  const called = new Set();
  const call = async (name, args, right) => {
    const answer = await client.callTool({ name, arguments: args });
    const text = answer.content?.map((block) => block.text ?? "").join("\n") ?? "";
    if (answer.isError || !answer.structuredContent || !text || !right(answer.structuredContent, text)) {
      throw new Error(`${name}: ${text.slice(0, 300)}`);
    }
    called.add(name);
    return answer.structuredContent;
  };
  await call("discover_objects", {}, (found) => found.counts.event > 10);
  await call("discover_objects", { kind: "event", limit: 5 }, (found, text) => text.includes("$pageview"));
  await call("get_object_fields", { name: "signed_up" }, (found, text) => text.includes("channel"));
  await call("validate_hogql", { query: QUERY }, (found) => found.valid === true);
  await call("validate_hogql", { query: "SELECT evnt FROM events" }, (found) => found.errors.length === 1);
  const { query_id } = await call("execute_hogql", { query: QUERY }, (found) => found.rows.length === 3);
  await call("show_last_script", { query_id }, (found) => found.script.includes("import httpx"));
  await call("save_query", { query_id, name: "top" }, (found) => found.saved === true);
  await call("query_history", { favourites: true }, (found, text) => text.includes("top"));
  await call("export_result", { query_id, format: "csv" }, (found) => found.uri.endsWith(".csv"));
  const metric = { kind: "trends", series: [{ event: "$pageview" }] };
  const other = { kind: "trends", series: [{ event: "signed_up" }] };
  await call("run_insight", metric, (found) => found.rows.length > 5);
  await call("render_chart", { query_id }, (found, text) => text.length > 20);
  await call("get_insight", { insight: "Revenue by month" }, (found, text) => text.includes("Revenue by month"));
  await call("get_dashboard", { dashboard: "Growth" }, (found) => found.tiles.length > 0);
  await call("explain_change", { metric }, (found, text) => text.includes("Established"));
  await call("detect_anomalies", { metric }, (found, text) => text.includes("$pageview"));
  await call("forecast_metric", { metric, horizon: 7 }, (found) => found.rows.length === 7);
  await call("compare_groups", { metric, split: "$browser" }, (found, text) => text.includes("Chrome"));
  await call("correlate_metrics", { metrics: [metric, other] }, (found, text) => text.includes("signed_up"));
  await call("score_churn", { limit: 5 }, (found) => found.rows.length === 5);
  await call("plan_question", { question: "why did signups drop?" }, (found) => found.intents[0].intent === "why");
  await call("search_knowledge", { query: "retention" }, (found, text) => text.includes("retention"));
  await call("read_knowledge", { id: "hogql-coverage" }, (found, text) => text.length > 1000);
  await call("fill_template", { id: "active-people" }, (found) => found.hogql.startsWith("SELECT"));
  const traces = await call("list_traces", { limit: 1, date_from: "-180d" }, (found) => found.rows.length === 1);
  const trace_id = traces.rows[0][0];
  await call("read_trace", { trace_id }, (found, text) => text.includes("m1"));
  await call("list_themes", {}, (found) => found.themes.length >= 5);
  await call("save_theme", { name: "refunds", prompt: "Find whether a refund was asked for, and why." }, (found, text) => text.includes("refunds"));
  await call("preview_theme", { theme: "refunds", date_from: "-90d" }, (found, text) => text.includes("refunds"));
  const batch = await call("collect_theme", { theme: "refunds", limit: 1, date_from: "-90d", rewind: true }, (found) => found.batch_id);
  const answer = { trace_id: batch.traces[0].trace_id, theme_relevant: true, title: "A refund", summary: "Wanted back.",
    evidence: ["m1"], severity: "low", first_failure: "" };
  const theme = { theme: "refunds", batch_id: batch.batch_id };
  await call("save_trace_summaries", { ...theme, answers: [answer] }, (found, text) => text.includes("1"));
  await call("search_summaries", { query: "refund" }, (found, text) => text.includes("A refund"));
  await call("run_theme", { theme: "error_analysis", date_from: "-180d", limit: 100, rewind: true }, (found) => found.relevant > 1);
  await call("cluster_summaries", { theme: "error_analysis" }, (found, text) => text.includes("users"));
  const wrong = await client.callTool({ name: "execute_hogql", arguments: { query: "SELEC 1" } });
  if (!wrong.isError || !wrong.content[0].text.startsWith("[hogql_syntax]")) throw new Error("errors lost their code");
  const { contents } = await client.readResource({ uri: `posthog://results/${query_id}.csv` });
  if (!contents[0].text.startsWith("event,n")) throw new Error("the exported resource is not the result");
  const missed = tools.filter((tool) => !called.has(tool.name)).map((tool) => tool.name);
  if (missed.length) throw new Error(`not called: ${missed}`);
  return tools.length;
}
