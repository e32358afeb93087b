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
  const wrong = await client.callTool({ name: "execute_hogql", arguments: { query: "SELEC 1" } });
  if (!wrong.isError || !wrong.content[0].text.startsWith("[hogql_syntax]")) throw new Error("errors lost their code");
  const { contents } = await client.readResource({ uri: `posthog://results/${query_id}.csv` });
  if (!contents[0].text.startsWith("event,n")) throw new Error("the exported resource is not the result");
  const missed = tools.filter((tool) => !called.has(tool.name)).map((tool) => tool.name);
  if (missed.length) throw new Error(`not called: ${missed}`);
  return tools.length;
}
