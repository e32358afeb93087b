// Bars that lie: names at the left, values along the line. Categories, box plots and funnels.

const ROWS = 50;

/** The places of the axis in the order that the person chose. */
function ordered(view, size) {
  const indexes = view.frame.xs.map((_, index) => index);
  if (view.order === "down") indexes.sort((one, other) => size(other) - size(one));
  if (view.order === "up") indexes.sort((one, other) => size(one) - size(other));
  if (view.order === "name") indexes.sort((one, other) => view.frame.xs[one].label.localeCompare(view.frame.xs[other].label));
  return indexes;
}

/** An empty picture of `rows` heights with names at the left and a value axis above them. */
function rowPlot(view, names, heights, domain, { right = 60 } = {}) {
  const { width, format, spec } = view;
  const total = heights.reduce((sum, each) => sum + each, 0);
  const height = total + 34;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const gutter = Math.min(width * 0.34, 220, Math.max(30, ...names.map((name) => textWidth(name.slice(0, 80)))) + 4);
  const edge = { left: gutter + 8, right: width - right, top: 20, bottom: height - 12 };
  const ticks = ticksOf(domain.low, domain.high, Math.max(2, (edge.right - edge.left) / 90), spec.unit, false);
  edge.right = Math.min(edge.right, width - textWidth(format.short(ticks[ticks.length - 1]), 11) / 2 - 2);
  const x = linear(domain.low, domain.high, edge.left, edge.right);
  const room = x(ticks[0]) - textWidth(format.short(ticks[0]), 11) / 2 - 8;
  if (spec.y >= 0 && room > 30) label(root, textOf(view.result.columns[spec.y].name), 0, 12, room, { class: "faint" });
  for (const tick of ticks) {
    root.append(svg("line", { x1: x(tick), x2: x(tick), y1: edge.top, y2: edge.bottom, class: tick === 0 ? "zero" : "grid" }));
    root.append(svg("text", { x: x(tick), y: 12, "text-anchor": "middle", class: "faint" }, format.short(tick)));
  }
  let at = edge.top + 4;
  const tops = heights.map((each) => ((at += each), at - each));
  names.forEach((name, row) => label(root, name, gutter, tops[row] + heights[row] / 2 + 4, gutter - 2, { "text-anchor": "end" }));
  return { root, edge, x, tops, gutter, height };
}

function drawRows(view) {
  const { frame, shown } = view;
  const series = shown.series;
  const every = ordered(view, (index) => series.reduce((sum, each) => sum + (each.values[index] || 0), 0));
  const indexes = every.slice(0, ROWS);
  const values = series.flatMap((each) => indexes.map((index) => each.values[index]));
  const domain = domainOf(values, { unit: view.spec.unit });
  const thick = series.length > 1 ? Math.max(5, Math.min(14, 60 / series.length)) : 16;
  const row = thick * Math.max(1, series.length) + (series.length > 1 ? 10 : 6);
  const texts = values.filter((value) => value !== null).map((value) => view.format.short(value));
  const room = Math.max(20, ...texts.slice(0, 600).map((text) => textWidth(text, 11))) + 12;
  const plot = rowPlot(view, indexes.map((index) => frame.xs[index].label), indexes.map(() => row), domain, { right: room });
  const stops = [];
  let marks = 0;
  indexes.forEach((index, position) => series.forEach((each, turn) => {
    const value = each.values[index];
    if (value === null) return;
    const y = plot.tops[position] + (row - thick * series.length) / 2 + turn * thick;
    const from = plot.x(Math.max(domain.low, Math.min(0, domain.high))), to = plot.x(value);
    const bar = svg("rect", { x: Math.min(from, to), y, width: Math.max(0.75, Math.abs(to - from)), height: Math.max(3, thick - 1), rx: 1.5, class: "mark", colour: each.colour });
    bar.dataset.stop = stops.length;
    plot.root.append(bar);
    if (thick >= 10) plot.root.append(svg("text", { x: Math.max(from, to) + 4, y: y + thick / 2 + 3, class: "faint halo" }, view.format.short(value)));
    marks += 1;
    stops.push({ x: to, y: y + thick / 2, title: frame.xs[index].label, items: () => [{ colour: each.colour, label: each.label, value: view.format.full(value) }] });
  }));
  const notes = every.length > ROWS ? [`${ROWS} of ${view.count(every.length)} rows of the chart; the table has all.`] : [];
  return { root: plot.root, stops, mode: "row", notes, marks, legend: series.length > 1, sortable: true };
}

/** Quartiles by linear interpolation; whiskers to the last value within 1.5 times the box. */
function boxOf(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const at = (share) => {
    const place = (sorted.length - 1) * share, below = Math.floor(place);
    return sorted[below] + (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]) * (place - below);
  };
  const [first, middle, third] = [at(0.25), at(0.5), at(0.75)];
  const reach = 1.5 * (third - first);
  const inside = sorted.filter((value) => value >= first - reach && value <= third + reach);
  return { first, middle, third, low: inside[0], high: inside[inside.length - 1], count: sorted.length,
    outside: sorted.filter((value) => value < first - reach || value > third + reach) };
}

function drawBox(view) {
  const { spec, result, format } = view;
  const colours = new Map(view.shown.series.map((each) => [each.name, each.colour]));
  const named = spec.x >= 0 && view.frame.kind === "category"; // a box for each day or number would be no summary
  const groups = new Map();
  for (const point of pointsOf(spec, result)) {
    if (point.y === null || !colours.has(point.name)) continue;
    const place = named ? nameOf(point.x) : point.name || "all";
    const key = JSON.stringify([place, point.name]);
    if (!groups.has(key)) groups.set(key, { name: point.name && named ? `${place} · ${point.name}` : place, series: point.name, numbers: [] });
    groups.get(key).numbers.push(point.y);
  }
  const all = [...groups.values()].map((group) => ({ ...group, ...boxOf(group.numbers) }));
  const shown = all.slice(0, ROWS);
  const [low, high] = extremes(shown.flatMap((group) => extremes(group.numbers)));
  const plot = rowPlot(view, shown.map((group) => group.name), shown.map(() => 34), domainOf([low, high], { zero: false, unit: spec.unit }), { right: 24 });
  const stops = shown.map((group, index) => {
    const middle = plot.tops[index] + 17, colour = colours.get(group.series);
    const set = svg("g", { colour });
    set.dataset.stop = index;
    for (const [from, to] of [[group.low, group.first], [group.third, group.high]]) {
      set.append(svg("line", { x1: plot.x(from), x2: plot.x(to), y1: middle, y2: middle, class: "whisker" }));
    }
    for (const end of [group.low, group.high]) set.append(svg("line", { x1: plot.x(end), x2: plot.x(end), y1: middle - 5, y2: middle + 5, class: "whisker" }));
    set.append(svg("rect", { x: plot.x(group.first), y: middle - 10, width: Math.max(1, plot.x(group.third) - plot.x(group.first)), height: 20, class: "box" }));
    set.append(svg("line", { x1: plot.x(group.middle), x2: plot.x(group.middle), y1: middle - 10, y2: middle + 10, class: "whisker", "stroke-width": 3 }));
    for (const value of [...new Set(group.outside)].slice(0, 200)) set.append(svg("circle", { cx: plot.x(value), cy: middle, r: 2.5, class: "point" }));
    plot.root.append(set);
    const line = (text, value) => ({ colour: null, label: text, value: format.full(value) });
    return { x: plot.x(group.middle), y: middle, title: `${group.name} (${view.count(group.count)} values)`, items: () => [
      line("highest", Math.max(group.high, ...group.outside.slice(-1))), line("upper quartile", group.third), line("median", group.middle),
      line("lower quartile", group.first), line("lowest", Math.min(group.low, ...group.outside.slice(0, 1)))] };
  });
  const notes = ["Box: the middle half with the median; lines: to 1.5 boxes; dots: values beyond."];
  if (all.length > ROWS) notes.push(`${ROWS} of ${all.length} groups; the table has all.`);
  return { root: plot.root, stops, mode: "row", notes, marks: shown.length };
}

/** Every step with its share of the first and what was lost since the step before. */
function drawFunnel(view) {
  const { frame, shown, width, format } = view;
  const series = shown.series, steps = frame.xs.slice(0, ROWS);
  const rate = valueFormat("percent", "", view.locale).short;
  const thick = series.length > 1 ? 18 : 24;
  const row = 24 + thick * series.length + 14;
  const height = row * steps.length + 4;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const most = Math.max(1, ...series.flatMap((each) => each.values.map((value) => value || 0)));
  const names = series.length > 1 ? Math.min(130, width * 0.25, Math.max(...series.map((each) => textWidth(each.label, 11)))) + 8 : 0;
  const room = Math.min(190, width * 0.42);
  const x = linear(0, most, names, width - room);
  const stops = [];
  steps.forEach((step, index) => {
    const top = index * row;
    label(root, `${index + 1}. ${step.label}`, 0, top + 16, width - 8, { class: "strong" });
    series.forEach((each, turn) => {
      const value = each.values[index], first = each.values[0], before = index ? each.values[index - 1] : null;
      const y = top + 24 + turn * thick;
      if (names) label(root, each.label, 0, y + thick / 2 + 3, names - 8, { class: "faint" });
      if (value === null) return void root.append(svg("text", { x: names, y: y + thick / 2 + 3, class: "faint" }, "no value"));
      const bar = svg("g", { colour: each.colour });
      bar.dataset.stop = stops.length;
      if (before !== null && before > Math.max(0, value)) bar.append(svg("rect", { x: x(Math.max(0, value)), y, width: x(before) - x(Math.max(0, value)), height: thick - 3, class: "rest" }));
      bar.append(svg("rect", { x: names, y, width: Math.max(1, x(Math.max(0, value)) - names), height: thick - 3, rx: 1.5, class: "mark" }));
      root.append(bar);
      const share = first > 0 ? rate(value / first) : "–";
      const lost = before === null ? null : before - value;
      const dropped = !lost || before <= 0 ? "" : ` ${lost > 0 ? "−" : "+"}${rate(Math.abs(lost) / before)}`;
      const end = Math.max(x(Math.max(0, value)), lost > 0 ? x(Math.max(0, before)) : 0) + 6;
      const told = fitted(`${format.short(value)} · ${share}`, width - end);
      const text = svg("text", { x: end, y: y + thick / 2 + 3 }, told);
      if (dropped && textWidth(told + dropped) < width - end) text.append(svg("tspan", { class: "faint" }, dropped));
      root.append(text);
      const items = [{ colour: each.colour, label: each.label || "people", value: format.full(value) }, { label: "of the first step", value: share }];
      if (lost !== null) items.push({ label: "of the step before", value: before > 0 ? rate(value / before) : "–" }, { label: lost < 0 ? "gained" : "lost since", value: format.full(Math.abs(lost)) });
      stops.push({ x: x(Math.max(0, value)), y: y + thick / 2, title: step.label, items: () => items });
    });
  });
  const grows = series.some((each) => each.values.some((value, index) => index > 0 && value > each.values[index - 1] && each.values[index - 1] !== null));
  const notes = ["Share of the first step; after it what was lost since the step before."];
  if (frame.xs.length > ROWS) notes.push(`${ROWS} of ${view.count(frame.xs.length)} steps; the table has all.`);
  if (grows) notes.push("A later step has more than the one before: these rows are no strict funnel.");
  return { root, stops, mode: "row", notes, marks: stops.length };
}
