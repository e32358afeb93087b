// The page: what is shown now, the controls, and drawing it anew when anything changes.

const DRAW = {
  line: drawLine, area: drawArea, scatter: drawScatter, histogram: drawHistogram, lifecycle: drawLifecycle, pie: drawPie,
  box: drawBox, funnel: drawFunnel, retention: drawRetention, paths: drawPaths, number: drawNumber,
  bar: (view) => (view.frame.kind === "category" ? drawRows(view) : drawColumns(view)),
};
const PLAIN = ["line", "bar", "area", "pie"]; // these four read the same columns, so people may switch between them
const ALL_SERIES = ["retention", "lifecycle"];
const NO_SUM = ["scatter", "box", "histogram"];
const NEEDED = { funnel: ["x", "y"], retention: ["x", "y"], paths: ["x", "y", "series"], histogram: [], pie: ["y"], box: ["y"] };
const by = (id) => document.getElementById(id);
let result = null, context = {}, state = fresh(), drawn = null, width = 0, sent = 0;

const host = connectHost({
  result: (params) => {
    result = readResult(params);
    state = fresh();
    render();
  },
  input: (params) => {
    if (result) return;
    const query = params.arguments && (params.arguments.query || params.arguments.question || params.arguments.event);
    if (query) by("title").textContent = cut(textOf(query), 200);
  },
  cancelled: (params) => fail(`The call was cancelled. ${textOf(params.reason)}`),
  context: (change) => {
    context = { ...context, ...change };
    applyTheme(context);
    if (result) render();
  },
  closed: () => observer.disconnect(),
});

function fresh() {
  return { table: false, type: null, value: null, order: "given", log: false, series: new Map(), sorting: { column: -1, down: true }, rows: PAGE };
}

function fail(text) {
  by("figure").replaceChildren(element("p", { class: "notice bad" }, text));
}

/** Everything that drawing needs; throws an Error in words where the chart does not fit its rows. */
function viewOf() {
  const locale = typeof context.locale === "string" ? context.locale : "";
  const drawable = result.own ? { ...result, ...result.own } : result;
  const spec = describe(drawable, state);
  const view = { result: drawable, spec, locale, width: Math.max(240, Math.floor(by("figure").clientWidth)), order: state.order, log: state.log,
    format: valueFormat(spec.unit, spec.currency, locale), count: (value) => numberFormat(locale, {}).format(value) };
  if (spec.type === "table" || spec.type === "number") return view;
  const needed = NEEDED[spec.type] || ["x", "y"];
  for (const role of needed) if (spec[role] < 0 && !(role === "y" && spec.wide)) throw new Error(`A ${spec.type} chart needs ${role}, and this one has none.`);
  if (spec.y >= 0 && !drawable.rows.some((row) => numberOf(row[spec.y]) !== null)) throw new Error(`The column “${textOf(drawable.columns[spec.y].name)}” holds no number, so there is nothing to draw.`);
  if (spec.type === "paths") return view;
  view.frame = frameOf(spec, drawable, locale);
  const every = ALL_SERIES.includes(spec.type);
  if (every) view.frame.names = [...view.frame.lines.keys()]; // as the rows give them: cohorts in time
  view.shown = shownSeries(view.frame, spec, state.series, { every, sum: !NO_SUM.includes(spec.type) });
  return view;
}

function render() {
  const figure = by("figure");
  by("tip").hidden = true;
  by("panel").hidden = true;
  by("notices").replaceChildren();
  drawn = null;
  if (result.failed) return finish(() => fail(result.text || "The tool failed without saying why."));
  if (!result.rows && result.own) Object.assign(result, result.own);
  if (!result.rows) return finish(() => figure.replaceChildren(element("pre", {}, result.text || "The result has no rows and no text.")));
  let view = null, trouble = "";
  try {
    view = viewOf();
  } catch (error) {
    trouble = error.message;
    view = { result, spec: { type: "table", title: textOf(result.chart && result.chart.title), y: -1, unit: "none", notes: [], values: [], footnote: "" }, locale: "", count: String };
  }
  const asTable = state.table || view.spec.type === "table";
  heading(view);
  finish(() => {
    if (trouble) notice(trouble, "bad");
    if (view.result.rows.length === 0) return figure.replaceChildren(element("p", { class: "wait" }, "No rows: nothing in this time range matches the query."));
    if (asTable) return showTable(view);
    try {
      showChart(view);
    } catch (error) {
      notice(`This could not be drawn as ${view.spec.type}: ${error.message}`, "bad");
      showTable(view);
    }
  });
  controls(view, asTable);
}

/** The parts around the picture are shown whatever happens to it. */
function finish(draw) {
  try {
    const known = result.count !== null && result.rows && result.count > result.rows.length;
    const part = known ? `${result.rows.length} of ${result.count}` : "the query has more than this result";
    const effect = result.own ? "The chart is drawn from all." : "A chart of a part may mislead.";
    if (result.truncated) notice(`Not all rows${result.own ? " in the table" : ""}: ${part}. ${effect}`, "warn");
    for (const warning of result.warnings.slice(0, 5)) notice(cut([warning.message, warning.fix].map(textOf).filter(Boolean).join(" ") || textOf(warning), 400), "warn");
  } finally {
    draw();
  }
  by("toolbar").hidden = !result.rows && !result.hogql;
  source();
  report();
}

function showTable(view) {
  const shown = result.own ? { ...view, result, spec: { ...view.spec, y: -1 } } : view; // other columns than the chart's
  const table = drawTable(shown, state.sorting, state.rows, {
    onSort: (column) => {
      state.sorting = state.sorting.column === column ? (state.sorting.down ? { column, down: false } : { column: -1, down: true }) : { column, down: true };
      render();
      by("figure").querySelectorAll("th button")[column].focus();
    },
    onMore: () => {
      state.rows += 500;
      render();
    },
  });
  by("figure").replaceChildren(table);
}

function showChart(view) {
  if (view.shown && !view.shown.series.length) {
    by("figure").replaceChildren(element("p", { class: "wait" }, "No series is chosen."));
    return;
  }
  drawn = DRAW[view.spec.type](view);
  const root = drawn.root;
  const words = summary(view);
  for (const [key, value] of Object.entries({ role: "img", tabindex: "0", "aria-label": words, "data-type": view.spec.type, "data-marks": drawn.marks })) root.setAttribute(key, value);
  by("figure").replaceChildren(root);
  const colourOf = (each) => (view.spec.type === "lifecycle" && PHASES[each.label.toLowerCase()]) || each.colour;
  drawn.keys = drawn.legend ? view.shown.series.slice(0, 20).map((each) => ({ label: each.label, colour: colourOf(each) })) : [];
  if (drawn.keys.length) by("figure").prepend(legendOf(drawn.keys));
  makeReadable(drawn, by("figure"), by("tip"), by("spoken"));
  const single = NO_SUM.includes(view.spec.type);
  const flat = view.shown && view.spec.y >= 0 && view.shown.series.every((each) => each.values.every((value) => !value)) ? ["All values are zero."] : [];
  const hidden = view.shown && view.shown.hidden ? [`${view.shown.hidden} more series are not drawn: choose them under “Series”.`] : [];
  const notes = [...flat, ...view.spec.notes, ...(single || !view.frame ? [] : view.frame.notes), ...hidden, ...drawn.notes];
  drawn.said = [...document.querySelectorAll("#notices .notice")].map((each) => each.textContent).concat(notes).join(" ");
  if (notes.length) notice(notes.join(" "), "");
}

function legendOf(keys) {
  const list = element("p", { class: "notice", id: "legend" });
  for (const each of keys) {
    const swatch = element("span", { class: "swatch" });
    swatch.style.setProperty("--c", `var(${each.colour})`);
    const item = element("span", { class: "key" });
    item.append(swatch, element("bdi", {}, cut(each.label, 40)));
    list.append(item);
  }
  return list;
}

function summary(view) {
  const { spec, frame, shown, result: rows } = view;
  const title = spec.title || "Result";
  if (!frame) return `${title}. ${spec.type} of ${view.count(rows.rows.length)} rows.`;
  const first = frame.xs[0], last = frame.xs[frame.xs.length - 1];
  const reach = first ? ` from ${cut(first.label, 60)} to ${cut(last.label, 60)}` : "";
  return `${title}. ${spec.type} chart, ${shown.series.length} series, ${view.count(frame.xs.length)} places${reach}. Arrow keys read the values; the table has all rows.`;
}

function heading(view) {
  by("title").textContent = cut(view.spec.title, 300) || "Result";
}

function notice(text, kind) {
  by("notices").append(element("p", { class: `notice ${kind}`.trim(), role: kind === "bad" ? "alert" : "" }, text));
}

/** A bound of the time range without the offset: its zone is named beside it. */
function moment(cell, open) {
  const time = timeOf(cell);
  return time === null ? textOf(cell) || open : textOf(cell).replace("T", " ").slice(0, time % DAY === 0 ? 10 : 16);
}

function source() {
  const chart = result.chart || {}, project = result.project, range = result.range;
  by("footnote").textContent = cut(textOf(chart.footnote), 400);
  const parts = [];
  if (project) parts.push(`Project ${textOf(project.name)} (${textOf(project.id)}) on ${textOf(project.host)}`);
  if (range && !chart.footnote) parts.push(`${moment(range.from, "start")} to ${moment(range.to, "now")} (${textOf(range.timezone)})`);
  else if (project && project.timezone && !chart.footnote) parts.push(textOf(project.timezone));
  if (result.rows) parts.push(`${numberFormat("", {}).format(result.rows.length)} rows`);
  by("source").textContent = cut(parts.join(" · "), 400);
}
