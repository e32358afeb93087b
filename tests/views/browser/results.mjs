// Tool results with known contents: one good one of every chart type, and the same type with bad input.

export const PAYLOAD = '<img src=x onerror="window.top.pwned=1;window.pwned=1"><script>window.pwned=1</script>"\'&{{7*7}}';
const RTL = "مبيعات القاهرة", HEBREW = "הכנסות תל אביב", EMOJI = "👩‍👩‍👧‍👦 family 🇪🇬 🎉";

const day = (index) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10) + "T00:00:00+02:00";
const columns = (...names) => names.map(([name, type]) => ({ name, type }));
export const chartOf = (type, rest) => ({ type, title: `A ${type}`, x: null, y: null, series: null, unit: "count", currency: "", footnote: "", incomplete_from: null, compared: [], ...rest });
const around = {
  hogql: "SELECT 1", project: { id: 7, name: "Shop", timezone: "Africa/Cairo", backend: "local", host: "https://eu.posthog.com" },
  date_range: { from: "2026-01-01T00:00:00+02:00", to: "2026-01-31T00:00:00+02:00", timezone: "Africa/Cairo" }, truncated: false, warnings: [],
};
export const resultOf = (chart, cols, rows, rest = {}) => ({
  content: [{ type: "text", text: "as text" }], structuredContent: { ...(chart ? { chart } : {}), columns: cols, rows, ...around, ...rest },
});

const XY = columns(["day", "DateTime"], ["country", "String"], ["users", "UInt64"]);
const CAT = columns(["page", "String"], ["country", "String"], ["users", "UInt64"]);
const wave = (index, height) => Math.round(height * (1.2 + Math.sin(index / 3) + (index % 7 < 5 ? 0.5 : 0)));

/** rows of (x, series, y) by type: `xs` places, `names` series, `value(i, j)`. */
function grid(xs, names, value) {
  return xs.flatMap((x, i) => names.map((name, j) => [x, name, value(i, j)]));
}

const days = (count) => Array.from({ length: count }, (_, index) => day(index));
const words = (count, stem) => Array.from({ length: count }, (_, index) => `${stem} ${index + 1}`);
const BUILD = {
  line: (xs, names, value, rest) => resultOf(chartOf("line", { x: "day", y: "users", series: "country", ...rest }), XY, grid(xs ?? days(30), names, value)),
  area: (xs, names, value, rest) => resultOf(chartOf("area", { x: "day", y: "users", series: "country", ...rest }), XY, grid(xs ?? days(30), names, value)),
  bar: (xs, names, value, rest) => resultOf(chartOf("bar", { x: "page", y: "users", series: "country", ...rest }), CAT, grid(xs ?? ["/", "/pricing", "/docs", "/blog", "/login"], names, value)),
  pie: (xs, names, value, rest) => resultOf(chartOf("pie", { x: "country", y: "users", ...rest }), CAT, grid(["/"], xs ?? names, value)),
  scatter: (xs, names, value, rest) => resultOf(chartOf("scatter", { x: "age", y: "users", series: "country", ...rest }), columns(["age", "Float64"], ["country", "String"], ["users", "UInt64"]),
    grid(xs ?? Array.from({ length: 40 }, (_, index) => (index * 37) % 100), names, value)),
  histogram: (xs, names, value, rest) => resultOf(chartOf("histogram", { x: "seconds", y: "seconds", ...rest }), columns(["seconds", "Float64"]), (xs ?? days(200)).map((_, index) => [value(index, 0)])),
  box: (xs, names, value, rest) => resultOf(chartOf("box", { x: "page", y: "users", ...rest }), CAT,
    (xs ?? ["/", "/pricing", "/docs"]).flatMap((x, i) => Array.from({ length: 40 }, (_, index) => [x, "all", value(index, i)]))),
  funnel: (xs, names, value, rest) => resultOf(chartOf("funnel", { x: "step", y: "people", series: names.length > 1 ? "country" : null, ...rest }), columns(["step", "String"], ["country", "String"], ["people", "UInt64"]),
    grid(xs ?? ["Visited", "Signed up", "Paid"], names, (i, j) => value(2 - i, j))),
  retention: (xs, names, value, rest) => resultOf(chartOf("retention", { x: "week", y: "share", series: "cohort", unit: "percent", ...rest }), columns(["week", "UInt8"], ["cohort", "String"], ["share", "Float64"]),
    (names.length > 1 ? names : words(6, "2026-01-0")).flatMap((name, j) => (xs ?? [0, 1, 2, 3, 4, 5]).slice(0, xs ? undefined : 6 - (j % 6)).map((x, i) => [x, name, value(i, j)]))),
  lifecycle: (xs, names, value, rest) => resultOf(chartOf("lifecycle", { x: "day", y: "people", series: "status", ...rest }), columns(["day", "DateTime"], ["status", "String"], ["people", "Int64"]),
    grid(xs ?? days(12), names.length > 1 ? names : ["new", "returning", "resurrecting", "dormant"], (i, j) => (j === 3 ? -Math.abs(value(i, j)) : value(i, j)))),
  paths: (xs, names, value, rest) => resultOf(chartOf("paths", { x: "source", y: "people", series: "target", ...rest }), columns(["source", "String"], ["target", "String"], ["people", "UInt64"]),
    [["1_/home", "2_/pricing"], ["1_/home", "2_/docs"], ["1_/blog", "2_/docs"], ["2_/pricing", "3_/signup"], ["2_/docs", "3_/signup"], ["2_/docs", "3_/home"]]
      .concat((names.length > 1 ? names : []).map((name) => ["1_/home", `2_${name}`])).map(([from, to], index) => [from, to, value(index, 0)])),
  number: (xs, names, value, rest) => resultOf(chartOf("number", { y: "users", ...rest }), columns(["users", "UInt64"]), [[value(3, 0)]]),
  table: (xs, names, value, rest) => resultOf(chartOf("table", rest), XY, grid(xs ?? days(30), names, value)),
};
export const TYPES = Object.keys(BUILD);

const usual = (i, j) => wave(i, 900 / (j + 1));
const share = (i, j) => (i === 0 ? 1 : 0.6 / (i + j * 0.2 + 1));
const valueFor = (type) => (type === "retention" ? share : usual);

export function good(type) {
  const names = ["funnel", "retention", "lifecycle", "pie", "paths"].includes(type) ? (type === "pie" ? ["Egypt", "Germany", "France", "United States", "Japan"] : ["all"]) : ["Egypt", "Germany", "France"];
  return BUILD[type](null, names, valueFor(type), { footnote: "Source: events, 1 to 31 January 2026, Africa/Cairo", ...(["line", "area", "lifecycle"].includes(type) ? { incomplete_from: type === "lifecycle" ? day(11) : day(28) } : {}) });
}

/** name → (type) → result. */
export const BAD = {
  "empty series": (type) => emptied(good(type)),
  "no rows": (type) => { const result = good(type); result.structuredContent.rows = []; return result; },
  "50 breakdown values": (type) => BUILD[type](null, words(50, "Value"), (i, j) => valueFor(type)(i, j)),
  "one data point": (type) => { const result = BUILD[type](null, ["all"], valueFor(type)); result.structuredContent.rows.splice(1); return result; },
  "all zero": (type) => BUILD[type](null, ["one", "two"], () => 0),
  "negative": (type) => BUILD[type](null, ["one", "two"], (i, j) => -valueFor(type)(i, j) - 1),
  "huge and mixed": (type) => BUILD[type](null, ["one", "two"], (i, j) => [1e300, -1e300, 1, 0.000001, "123456789012345678901234567890", 1.7976931348623157e308, "NaN", "Infinity", null][(i + j) % 9], { unit: "currency", currency: "EGP" }),
  "10,000 points": (type) => BUILD[type](manyPlaces(type), ["one"], (i, j) => (i === 7777 ? 99999 : valueFor(type)(i, j))),
  "right to left and emoji": (type) => BUILD[type](type === "bar" || type === "funnel" || type === "box" || type === "pie" ? [RTL, HEBREW, EMOJI, "a".repeat(300)] : null, [RTL, HEBREW, EMOJI, "a".repeat(300)], valueFor(type), { title: `${RTL} ${EMOJI}`, footnote: HEBREW }),
  "HTML and script": (type) => scripted(BUILD[type](type === "bar" || type === "funnel" || type === "box" || type === "pie" ? [PAYLOAD, "plain"] : null, [PAYLOAD, "plain"], valueFor(type), { title: PAYLOAD, footnote: PAYLOAD })),
};

function manyPlaces(type) {
  if (["line", "area", "lifecycle", "table"].includes(type)) return Array.from({ length: 10000 }, (_, index) => new Date(Date.UTC(2026, 0, 1) + index * 60000).toISOString());
  if (["scatter", "histogram", "retention"].includes(type)) return Array.from({ length: type === "retention" ? 300 : 10000 }, (_, index) => (type === "retention" ? index : (index * 7919) % 10007));
  return words(type === "box" ? 250 : 10000, "Place"); // a box has 40 values
}

function emptied(result) {
  const y = result.structuredContent.columns.length - 1; // the value is the last column of all
  for (const row of result.structuredContent.rows) row[y] = null;
  return result;
}

/** The payload also as column names, project, warning and range. */
function scripted(result) {
  const content = result.structuredContent;
  const renamed = new Map(content.columns.map((column) => [column.name, `${column.name} ${PAYLOAD}`]));
  content.columns = content.columns.map((column) => ({ name: renamed.get(column.name), type: PAYLOAD }));
  for (const role of ["x", "y", "series"]) if (content.chart[role]) content.chart[role] = renamed.get(content.chart[role]);
  content.project = { ...content.project, name: PAYLOAD, host: "javascript:window.pwned=1" };
  content.warnings = [{ code: "x", message: PAYLOAD, fix: PAYLOAD }];
  content.hogql = PAYLOAD;
  return result;
}

export function rowsAlone(cols, rows, rest) {
  return resultOf(null, columns(...cols), rows, rest);
}
export { day, BUILD, usual };
