// What a tool result holds, and which chart suits rows that come without one.

const TYPES = ["line", "bar", "area", "pie", "scatter", "histogram", "box", "funnel", "retention", "lifecycle", "paths", "number", "table"];
const NUMERIC = /Int|Float|Decimal|^(?:Nullable\()?(?:integer|float|number)/i;

const OWN_ROWS = "posthog-mcp/chart"; // in _meta: {columns: [name], rows}, what the chart's x, y and series name

/**
 * The result in one shape. `rows` is null where the tool gave none (an error, CSV, plain text). `own` are the chart's
 * rows where they are others than the table's: long instead of wide, or all of them where the table is cut.
 */
function readResult(params) {
  const content = params && typeof params.structuredContent === "object" ? params.structuredContent || {} : {};
  const texts = Array.isArray(params && params.content) ? params.content : [];
  const text = texts.filter((part) => part && part.type === "text").map((part) => String(part.text)).join("\n");
  const given = Array.isArray(content.rows) ? content.rows : null;
  const columns = columnsOf(content.columns, given || []);
  const rows = given && given.map((row) => cellsOf(row, columns));
  const chart = content.chart && typeof content.chart === "object" ? content.chart : null;
  return {
    own: ownRows(params && params._meta && params._meta[OWN_ROWS]) || ownRows(chart), chart,
    failed: Boolean(params && params.isError), text, columns, rows,
    hogql: typeof content.hogql === "string" ? content.hogql : "",
    project: content.project || null, range: content.date_range || null, truncated: Boolean(content.truncated),
    count: typeof content.row_count === "number" ? content.row_count : null,
    warnings: Array.isArray(content.warnings) ? content.warnings : [],
  };
}

function ownRows(given) {
  if (!given || !Array.isArray(given.rows) || !Array.isArray(given.columns)) return null;
  const columns = columnsOf(given.columns, given.rows);
  return { columns, rows: given.rows.map((row) => cellsOf(row, columns)) };
}

function columnsOf(given, rows) {
  const named = (Array.isArray(given) ? given : []).map((column) =>
    typeof column === "string" ? { name: column, type: "" } : { name: String(column && column.name), type: String((column && column.type) || "") });
  const widest = rows.reduce((most, row) => Math.max(most, Array.isArray(row) ? row.length : 0), 0);
  while (named.length < widest) named.push({ name: `column ${named.length + 1}`, type: "" });
  return named;
}

function cellsOf(row, columns) {
  if (Array.isArray(row)) return columns.map((_, index) => (row[index] === undefined ? null : row[index]));
  if (row && typeof row === "object") return columns.map((column) => (row[column.name] === undefined ? null : row[column.name]));
  return columns.map((_, index) => (index === 0 ? row : null));
}

/**
 * What to draw: type, column positions (-1: none), unit, labels.
 * Throws an Error with words for people when the chart names columns that the result has not.
 */
function describe(result, chosen) {
  const chart = result.chart;
  if (!chart) return guessed(result, chosen);
  const position = (role) => {
    const name = chart[role];
    if (name === null || name === undefined || name === "") return -1;
    const index = result.columns.findIndex((column) => column.name === String(name));
    if (index < 0) throw new Error(`The chart's ${role} is the column “${textOf(name)}”, which the result does not have.`);
    return index;
  };
  if (!TYPES.includes(chart.type)) throw new Error(`This page cannot draw a chart of type “${textOf(chart.type)}”.`);
  return {
    type: chosen.type || chart.type, planned: chart.type, guessed: false, title: textOf(chart.title), values: [],
    x: position("x"), y: position("y"), series: position("series"),
    unit: chart.unit || "count", currency: textOf(chart.currency), footnote: textOf(chart.footnote),
    incomplete: timeOf(chart.incomplete_from), compared: new Set((chart.compared || []).map(nameOf)), notes: [],
  };
}

/** Rows of a plain query: time and numbers are a line, names and numbers bars, one number stands alone. */
function guessed(result, chosen) {
  const { columns, rows } = result;
  const kinds = columns.map((column, index) => kindOf(column, rows, index));
  const all = (kind) => kinds.flatMap((each, index) => (each === kind ? [index] : []));
  const times = all("time"), numbers = all("number"), texts = all("text");
  const spec = {
    type: "table", planned: "table", guessed: true, title: "", values: [], x: -1, y: -1, series: -1, unit: "none",
    currency: "", footnote: "", incomplete: null, compared: new Set(), notes: [], wide: null,
  };
  const pairs = new Set(rows.map((row) => JSON.stringify([row[texts[0]], row[texts[1]]])));
  if (rows.length === 1 && numbers.length === 1 && columns.length === 1) {
    Object.assign(spec, { type: "number", y: numbers[0] });
  } else if (rows.length > 0 && numbers.length > 0 && times.length === 1 && texts.length < 2) {
    Object.assign(spec, { type: "line", x: times[0], series: texts.length ? texts[0] : -1 });
  } else if (rows.length > 0 && numbers.length > 0 && times.length === 0 && texts.length > 0 && texts.length < 3 && pairs.size === rows.length) {
    Object.assign(spec, { type: "bar", x: texts[0], series: texts.length > 1 ? texts[1] : -1 });
  } else if (rows.length > 2 && numbers.length === 2 && columns.length === 2) {
    Object.assign(spec, { type: "scatter", x: numbers[0], y: numbers[1] });
  }
  spec.planned = spec.type;
  if (spec.type === "line" || spec.type === "bar") chooseValue(spec, result, numbers, chosen);
  if (chosen.type && spec.type !== "table") spec.type = chosen.type;
  return spec;
}

/** Several number columns become lines of one chart only when one axis can show them all. */
function chooseValue(spec, result, numbers, chosen) {
  const largest = numbers.map((index) => result.rows.reduce((most, row) => Math.max(most, Math.abs(numberOf(row[index]) || 0)), 0));
  const sized = largest.filter((size) => size > 0);
  const alike = sized.length < 2 || Math.max(...sized) / Math.min(...sized) <= 50;
  const together = numbers.length > 1 && spec.series < 0;
  spec.values = [...(together ? [-1] : []), ...(numbers.length > 1 ? numbers : [])];
  const value = spec.values.includes(chosen.value) ? chosen.value : together && alike ? -1 : numbers[0];
  if (value < 0) spec.wide = numbers;
  else spec.y = value;
  spec.value = value;
  if (together && !alike && chosen.value === null) {
    spec.notes.push(`The number columns differ too much in size for one axis; this is “${textOf(result.columns[value].name)}”.`);
  }
}

function kindOf(column, rows, index) {
  const cells = rows.map((row) => row[index]).filter((cell) => cell !== null && cell !== "");
  if (cells.length === 0) return NUMERIC.test(column.type) ? "number" : "text";
  if (cells.every((cell) => timeOf(cell) !== null) && cells.every((cell) => String(cell).length > 7)) return "time";
  if (cells.every((cell) => typeof cell === "number")) return "number";
  return NUMERIC.test(column.type) && cells.every((cell) => numberOf(cell) !== null) ? "number" : "text";
}
