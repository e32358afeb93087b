// Line, area and scatter.

function drawLine(view) {
  const { spec, frame, shown } = view;
  const series = shown.series;
  const values = series.flatMap((each) => each.values);
  const positive = values.filter((value) => value !== null).every((value) => value > 0);
  const log = view.log && positive;
  const named = series.length > 1 || (series.length === 1 && series[0].label !== "");
  const plot = xyPlot(view, values, { zero: false, labels: named ? series.map((each) => each.label) : [], log });
  const budget = Math.max(60, Math.floor(POINTS / Math.max(1, series.length)));
  const places = new Set(), ends = [];
  let most = 0, drawn = 0;
  for (const each of series) {
    const indexes = thinned(each.values, budget);
    most += each.values.reduce((count, value) => count + (value !== null), 0);
    drawn += indexes.length;
    indexes.forEach((index) => places.add(index));
    drawCurve(plot, each, indexes, view);
    const last = indexes[indexes.length - 1];
    if (named && last !== undefined) ends.push({ text: each.label, y: plot.y(each.values[last]), colour: each.colour });
  }
  endLabels(plot, ends);
  const notes = [];
  if (drawn < most) notes.push(thinningNote(drawn, most, view));
  if (!plot.domain.fromZero) notes.push("The value axis does not start at zero.");
  if (log) notes.push("Logarithmic scale.");
  if (hasUnfinished(view)) notes.push("Dashed: this time is not over yet.");
  const stops = [...places].sort((one, other) => one - other)
    .map((index) => placeStop(view, plot, series, index, (each) => plot.y(each.values[index])));
  return { root: plot.root, stops, mode: "x", edge: plot.edge, notes, marks: drawn, canLog: positive && spread(values) > 1000 };
}

function thinningNote(drawn, most, view) {
  return `Drawn from ${view.count(drawn)} of ${view.count(most)} points; the highest and lowest are kept. The table and the CSV have all.`;
}

function spread(values) {
  const [low, high] = extremes(values.filter((value) => value !== null));
  return high / low;
}

function isUnfinished(view, index) {
  return view.spec.incomplete !== null && view.frame.kind === "time" && view.frame.xs[index].at >= view.spec.incomplete;
}

function hasUnfinished(view) {
  return view.frame.xs.length > 0 && isUnfinished(view, view.frame.xs.length - 1);
}

/** Solid and dashed stretches; a point with no neighbour becomes a dot. */
function drawCurve(plot, each, indexes, view) {
  const paths = { whole: "", open: "" };
  const alone = [];
  const breaks = each.gaps && each.gaps.size ? prefix(each) : null;
  const broken = (from, to) => breaks !== null && breaks[to] - breaks[from] > 0;
  const point = (index) => `${plot.x(index).toFixed(1)} ${plot.y(each.values[index]).toFixed(1)}`;
  let before = null; // the kind of the stretch that ends at the previous point
  indexes.forEach((index, position) => {
    const previous = indexes[position - 1], next = indexes[position + 1];
    const joined = previous !== undefined && !broken(previous, index);
    if (!joined) {
      before = null;
      if (next === undefined || broken(index, next)) alone.push(index);
      return;
    }
    const kind = isUnfinished(view, index) && !each.past ? "open" : "whole";
    paths[kind] += `${before === kind ? "" : `M${point(previous)}`}L${point(index)}`;
    before = kind;
  });
  const style = each.past ? "curve past" : "curve";
  if (paths.whole) plot.root.append(svg("path", { d: paths.whole, class: style, colour: each.colour }));
  if (paths.open) plot.root.append(svg("path", { d: paths.open, class: `${style} unfinished`, colour: each.colour }));
  for (const index of alone) {
    plot.root.append(svg("circle", { cx: plot.x(index), cy: plot.y(each.values[index]), r: 3.5, class: "mark", colour: each.colour }));
  }
}

function prefix(each) {
  let count = 0;
  return each.values.map((_, index) => (count += each.gaps.has(index) ? 1 : 0));
}

/** Stacked where sums mean something; else shares would be piled up that are no parts of a whole: then lines. */
function drawArea(view) {
  const { spec, frame, shown } = view;
  const series = shown.series.filter((each) => !each.past);
  const values = series.flatMap((each) => each.values);
  const negative = values.some((value) => value < 0);
  if (series.length > 1 && (negative || !ADDITIVE.includes(spec.unit))) {
    const drawn = drawLine(view);
    drawn.notes.push(negative ? "Lines instead of areas: negative values cannot be stacked." : "Lines instead of areas: these values do not add up.");
    return drawn;
  }
  const totals = frame.xs.map((_, index) => series.reduce((sum, each) => sum + (each.values[index] || 0), 0));
  const named = series.length > 1 || (series.length === 1 && series[0].label !== "");
  const plot = xyPlot(view, [...totals, 0], { labels: named ? series.map((each) => each.label) : [] });
  const indexes = thinned(totals, POINTS);
  const floor = new Array(frame.xs.length).fill(0), tops = new Map(), ends = [];
  for (const each of [...series].reverse()) {
    const bottom = [...floor];
    frame.xs.forEach((_, index) => (floor[index] += each.values[index] || 0));
    const top = [...floor];
    tops.set(each, top);
    for (const part of unfinishedParts(view, indexes)) {
      const up = part.indexes.map((index) => `${plot.x(index).toFixed(1)} ${plot.y(top[index]).toFixed(1)}`);
      const down = [...part.indexes].reverse().map((index) => `${plot.x(index).toFixed(1)} ${plot.y(bottom[index]).toFixed(1)}`);
      const one = part.indexes.length === 1 ? { stroke: `var(${each.colour})`, "stroke-width": 4 } : {};
      plot.root.append(svg("path", { d: `M${up.join("L")}L${down.join("L")}Z`, class: part.open ? "band pale" : "band", colour: each.colour, ...one }));
    }
    const last = indexes[indexes.length - 1];
    if (named && last !== undefined) ends.push({ text: each.label, y: (plot.y(top[last]) + plot.y(bottom[last])) / 2, colour: each.colour });
  }
  for (const each of shown.series.filter((past) => past.past)) drawCurve(plot, each, thinned(each.values, POINTS), view);
  endLabels(plot, ends);
  const notes = series.length > 1 ? ["The areas are stacked: the upper edge is the sum."] : [];
  if (indexes.length < frame.xs.length) notes.push(thinningNote(indexes.length, frame.xs.length, view));
  if (hasUnfinished(view)) notes.push("Pale: this time is not over yet.");
  const all = shown.series.filter((each) => each.past || tops.has(each));
  const stops = indexes.map((index) => placeStop(view, plot, all, index, (each) => plot.y(each.past ? each.values[index] : tops.get(each)[index])));
  return { root: plot.root, stops, mode: "x", edge: plot.edge, notes, marks: series.length };
}

/** The finished stretch and the one that is not over; they share a point. */
function unfinishedParts(view, indexes) {
  const first = indexes.findIndex((index) => isUnfinished(view, index));
  if (first < 0) return [{ open: false, indexes }];
  if (first === 0) return [{ open: true, indexes }];
  return [{ open: false, indexes: indexes.slice(0, first) }, { open: true, indexes: indexes.slice(first - 1) }];
}

function drawScatter(view) {
  const { spec, frame, shown, result } = view;
  const colours = new Map(shown.series.map((each) => [each.name, each]));
  const points = pointsOf(spec, result).filter((point) => point.y !== null && colours.has(point.name));
  const place = frame.kind === "time" ? timeOf : frame.kind === "number" ? numberOf : nameOf;
  const indexes = new Map(frame.xs.map((each, index) => [each.at, index]));
  const known = points.filter((point) => indexes.has(place(point.x)));
  const values = known.map((point) => point.y);
  const positive = values.every((value) => value > 0);
  const log = view.log && positive && values.length > 0;
  const plot = xyPlot(view, values, { zero: false, log });
  const taken = new Map();
  for (const point of known) {
    const at = { x: plot.x(indexes.get(place(point.x))), y: plot.y(point.y), point };
    const cell = known.length > POINTS ? `${Math.round(at.x / 5)} ${Math.round(at.y / 5)} ${point.name}` : taken.size;
    if (!taken.has(cell)) taken.set(cell, at);
  }
  const stops = [];
  for (const at of taken.values()) {
    const each = colours.get(at.point.name);
    const mark = svg("circle", { cx: at.x, cy: at.y, r: 3.5, class: "point", colour: each.colour });
    mark.dataset.stop = stops.length;
    plot.root.append(mark);
    stops.push({ x: at.x, y: at.y, title: view.frame.xs[indexes.get(place(at.point.x))].label,
      items: () => [{ colour: each.colour, label: each.label, value: view.format.full(at.point.y) }] });
  }
  const notes = [];
  if (taken.size < known.length) notes.push(`${view.count(known.length)} points; where several fall on one spot, one is drawn. The table and the CSV have all.`);
  if (!plot.domain.fromZero) notes.push("The value axis does not start at zero.");
  if (log) notes.push("Logarithmic scale.");
  const order = stops.map((_, index) => index).sort((one, other) => stops[one].x - stops[other].x);
  return { root: plot.root, stops, order, mode: "near", edge: plot.edge, notes, marks: taken.size, legend: shown.series.length > 1, canLog: positive && spread(values) > 1000 };
}
