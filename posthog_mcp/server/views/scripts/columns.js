// Upright columns over time or numbers, the lifecycle's stacks, and histograms.

const WIDEST = 90; // pixels of a column
const PHASES = { new: "--c0", returning: "--c2", resurrecting: "--c3", resurrected: "--c3", dormant: "--c1" };

function drawColumns(view) {
  const { spec, frame, shown } = view;
  const series = shown.series;
  const pieces = series.length * frame.xs.length;
  const mayStack = ADDITIVE.includes(spec.unit) && !series.some((each) => each.past);
  if (series.length > 1 && pieces > 90 && mayStack) return drawStacks(view, series);
  const values = series.flatMap((each) => each.values);
  const plot = xyPlot(view, values, { columns: true });
  const inner = Math.min(WIDEST * series.length, plot.step * (plot.step > 6 ? 0.8 : 1));
  const breadth = Math.max(1, inner / Math.max(1, series.length));
  const indexes = thinned(frame.xs.map((_, index) => series.reduce((most, each) => Math.max(most, Math.abs(each.values[index] || 0)), 0)), POINTS);
  let marks = 0;
  series.forEach((each, position) => {
    for (const index of indexes) {
      const value = each.values[index];
      if (value === null) continue;
      const left = plot.x(index) - inner / 2 + position * breadth;
      columnAt(plot, left, Math.max(1, breadth - (breadth > 4 ? 1 : 0)), plot.base, plot.y(value), each.colour, isUnfinished(view, index) && !each.past);
      marks += 1;
    }
  });
  const notes = hasUnfinished(view) ? ["Pale: this time is not over yet."] : [];
  if (indexes.length < frame.xs.length) notes.push(thinningNote(indexes.length, frame.xs.length, view));
  const stops = indexes.map((index) => placeStop(view, plot, series, index, (each) => plot.y(each.values[index])));
  return { root: plot.root, stops, mode: "x", edge: plot.edge, notes, marks, legend: series.length > 1 };
}

function columnAt(plot, x, width, from, to, colour, pale) {
  plot.root.append(svg("rect", { x, y: Math.min(from, to), width, height: Math.max(0.75, Math.abs(to - from)), class: pale ? "mark pale" : "mark", colour }));
}

/** What is above zero is piled upwards, what is below downwards. */
function drawStacks(view, series, kind = "The columns are stacked.") {
  const { frame } = view;
  const up = new Array(frame.xs.length).fill(0), down = new Array(frame.xs.length).fill(0);
  const ranges = new Map();
  for (const each of series) {
    const of = each.values.map((value, index) => {
      const pile = value < 0 ? down : up;
      const from = pile[index];
      pile[index] += value || 0;
      return [from, pile[index]];
    });
    ranges.set(each, of);
  }
  const plot = xyPlot(view, [...up, ...down], { columns: true });
  const breadth = Math.max(1, Math.min(WIDEST, plot.step * (plot.step > 6 ? 0.8 : 1)));
  const indexes = thinned(up.map((value, index) => value - down[index]), POINTS);
  let marks = 0;
  for (const each of series) {
    for (const index of indexes) {
      if (!each.values[index]) continue;
      const [from, to] = ranges.get(each)[index];
      columnAt(plot, plot.x(index) - breadth / 2, breadth, plot.y(from), plot.y(to), each.colour, isUnfinished(view, index));
      marks += 1;
    }
  }
  plot.root.append(svg("line", { x1: plot.edge.left, x2: plot.edge.right, y1: plot.y(0), y2: plot.y(0), class: "zero" }));
  const notes = [kind, ...(hasUnfinished(view) ? ["Pale: this time is not over yet."] : [])];
  if (indexes.length < frame.xs.length) notes.push(thinningNote(indexes.length, frame.xs.length, view));
  const stops = indexes.map((index) => ({ ...placeStop(view, plot, series, index, (each) => plot.y(ranges.get(each)[index][1])), dots: () => [] }));
  return { root: plot.root, stops, mode: "x", edge: plot.edge, notes, marks, legend: series.length > 1 };
}

function drawLifecycle(view) {
  const order = Object.keys(PHASES);
  const rank = (each) => (order.includes(each.label.toLowerCase()) ? order.indexOf(each.label.toLowerCase()) : order.length);
  const series = view.shown.series.map((each) => ({ ...each, colour: PHASES[each.label.toLowerCase()] || each.colour }))
    .sort((one, other) => rank(one) - rank(other));
  return drawStacks(view, series, "Below zero: people who were active before and no longer are.");
}

/** How often values of y (of x where there is no y) fall into bins of a round width. */
function drawHistogram(view) {
  const { spec, frame, result } = view;
  const column = spec.y >= 0 ? spec.y : spec.x;
  const numbers = result.rows.map((row) => numberOf(row[column])).filter((value) => value !== null);
  const [low, high] = extremes(numbers);
  const wanted = Math.max(1, Math.min(40, Math.ceil(Math.log2(numbers.length) + 1) * 2));
  const width = low === high ? 1 : roundStep((high - low) / wanted);
  const first = Math.floor(low / width) * width;
  const counts = new Array(Math.max(1, Math.floor((high - first) / width) + 1)).fill(0);
  for (const value of numbers) counts[Math.min(counts.length - 1, Math.floor((value - first) / width))] += 1;
  const plain = valueFormat("none", "", view.locale).full;
  const start = (index) => Number((first + index * width).toPrecision(12));
  const xs = counts.map((_, index) => ({ at: start(index) + width / 2, label: `${plain(start(index))} to ${plain(start(index + 1))}` }));
  const edges = [...counts.map((_, index) => start(index)), start(counts.length)];
  const counted = { ...view, frame: { ...frame, kind: "number", xs, edges }, spec: { ...spec, x: column, y: -1, unit: "count" },
    format: valueFormat("count", "", view.locale) };
  const plot = xyPlot(counted, counts, { columns: true });
  const breadth = Math.max(1, Math.min(WIDEST, plot.step - (plot.step > 4 ? 1 : 0)));
  counts.forEach((count, index) => count && columnAt(plot, plot.x(index) - breadth / 2, breadth, plot.base, plot.y(count), "--c0", false));
  const series = [{ label: "rows", colour: "--c0", values: counts }];
  const stops = xs.map((_, index) => placeStop(counted, plot, series, index, (each) => plot.y(each.values[index])));
  const notes = [`${view.count(numbers.length)} values in bins of ${plain(width)}.`];
  return { root: plot.root, stops, mode: "x", edge: plot.edge, notes, marks: counts.filter(Boolean).length };
}
