// The plot that lines, areas, columns and points share: value axis at the left, time, numbers or names below.

/**
 * Draws the axes and gives `x(index)`, `y(value)`, the column width and the plot's edges.
 * `columns`: marks stand around their place, so that the axis leaves half a step at both ends.
 */
function xyPlot(view, values, { columns = false, zero = true, labels = [], log = false } = {}) {
  const { frame, spec, width, format, locale } = view;
  const height = Math.max(300, Math.min(460, width * 0.5));
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const domain = log ? logDomain(values) : domainOf(values, { zero, unit: spec.unit });
  const whole = spec.unit === "count" && values.every((value) => value === null || Number.isInteger(value));
  const rows = height < 340 ? 5 : 7;
  const ticks = log ? decades(domain) : ticksOf(domain.low, domain.high, rows, spec.unit, whole);
  const widest = Math.max(...ticks.map((tick) => textWidth(format.short(tick), 11)));
  const room = labels.length ? Math.min(150, width * 0.25, Math.max(...labels.map((text) => textWidth(text.slice(0, 60)))) * BOLD) + 16 : 12;
  const edge = { left: Math.min(widest + 10, width * 0.3), right: width - room, top: 26, bottom: height - 40 };
  const y = (log ? logarithmic : linear)(domain.low, domain.high, edge.bottom, edge.top);
  if (spec.y >= 0) label(root, textOf(view.result.columns[spec.y].name), 0, 11, width * 0.6, { class: "faint" });
  for (const tick of ticks) {
    root.append(svg("line", { x1: edge.left, x2: edge.right, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : "grid" }));
    root.append(svg("text", { x: edge.left - 6, y: y(tick) + 4, "text-anchor": "end", class: "faint" }, format.short(tick)));
  }
  const across = frame.kind === "category" ? bands(root, frame, edge) : stretch(root, view, frame, edge, columns, locale);
  if (frame.kind !== "time" && spec.x >= 0) {
    const name = svg("text", { x: edge.right, y: height - 4, "text-anchor": "end", class: "faint" },
      fitted(textOf(view.result.columns[spec.x].name), (edge.right - edge.left) * 0.8, 11));
    root.append(name);
  }
  return { root, edge, y, domain, height, room: room - 14, x: across.x, step: across.step, base: log ? edge.bottom : y(Math.max(domain.low, Math.min(0, domain.high))) };
}

function logDomain(values) {
  const positive = values.filter((value) => value > 0);
  const low = 10 ** Math.floor(Math.log10(Math.min(...extremes(positive))));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...extremes(positive))));
  return { low, high: high > low ? high : low * 10, fromZero: true };
}

function extremes(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function decades(domain) {
  const first = Math.round(Math.log10(domain.low)), last = Math.round(Math.log10(domain.high));
  const step = Math.max(1, Math.ceil((last - first) / 7));
  const ticks = [];
  for (let power = first; power <= last; power += step) ticks.push(10 ** power);
  return ticks;
}

/** A time or number axis. */
function stretch(root, view, frame, edge, columns, locale) {
  const at = frame.xs.map((place) => place.at);
  const low = at[0], high = at[at.length - 1];
  let gap = Infinity;
  for (let index = 1; index < at.length; index += 1) gap = Math.min(gap, at[index] - at[index - 1]);
  if (!Number.isFinite(gap)) gap = frame.kind === "time" ? DAY : 1;
  const pad = columns || low === high ? gap / 2 : 0;
  const scale = linear(low - pad, high + pad, edge.left, edge.right);
  const room = edge.right - edge.left;
  const ticks = frame.kind === "time" ? timeTicks(at, room, locale)
    : numberTicks(frame.edges || at, room).map((tick) => ({ at: tick, lines: [valueFormat("none", "", locale).short(tick)] }));
  let last = -Infinity;
  for (const tick of ticks) {
    const x = scale(tick.at);
    const half = Math.max(...tick.lines.map((line) => textWidth(line, 11))) / 2;
    if (x - half < last + 6) continue;
    last = x + half;
    const anchor = x + half > edge.right + 10 ? "end" : "middle";
    const from = anchor === "end" ? edge.right + 8 : x;
    tick.lines.forEach((line, row) => root.append(svg("text", { x: from, y: edge.bottom + 16 + row * 13, "text-anchor": anchor, class: "faint" }, line)));
    root.append(svg("line", { x1: x, x2: x, y1: edge.bottom, y2: edge.bottom + 4, class: "zero" }));
  }
  return { x: (index) => scale(at[index]), step: Math.abs(scale(low + gap) - scale(low)) };
}

function numberTicks(at, room) {
  return at.length <= room / 60 ? at : ticksOf(at[0], at[at.length - 1], Math.max(2, room / 80), "none", false);
}

/** An axis of names: each nth where not all fit. */
function bands(root, frame, edge) {
  const step = (edge.right - edge.left) / Math.max(1, frame.xs.length);
  const widest = Math.min(120, frame.xs.slice(0, 500).reduce((most, place) => Math.max(most, textWidth(cut(place.label, 30), 11)), 0) + 10);
  const every = Math.max(1, Math.ceil(Math.min(widest, 70) / step));
  const x = (index) => edge.left + step * (index + 0.5);
  frame.xs.forEach((place, index) => {
    if (index % every) return;
    const room = step * every - 6;
    const node = label(root, place.label, x(index), edge.bottom + 16, room, { "text-anchor": "middle", class: "faint" });
    node.dataset.place = index;
  });
  return { x, step };
}

/** Names at the ends of lines, pushed apart; those that find no room are left to the list of series. */
function endLabels(plot, ends) {
  const gap = 14;
  const sorted = [...ends].sort((one, other) => one.y - other.y);
  const most = Math.floor((plot.edge.bottom - plot.edge.top) / gap);
  const kept = sorted.length <= most ? sorted : sorted.filter((end) => ends.indexOf(end) < most);
  kept.forEach((end, index) => (end.at = Math.max(end.y, index ? kept[index - 1].at + gap : plot.edge.top)));
  for (let index = kept.length - 1, floor = plot.edge.bottom; index >= 0; index -= 1, floor -= gap) {
    kept[index].at = Math.min(kept[index].at, floor);
    floor = Math.min(floor, kept[index].at);
  }
  for (const end of kept) {
    const node = label(plot.root, end.text, plot.edge.right + 10, end.at + 4, plot.room, { class: "end strong" });
    node.style.fill = `color-mix(in srgb, var(${end.colour}) 65%, var(--text))`; // small text needs more contrast than a line
    if (Math.abs(end.at - end.y) > 3) {
      plot.root.append(svg("line", { x1: plot.edge.right + 2, y1: end.y, x2: plot.edge.right + 8, y2: end.at, stroke: `var(${end.colour})`, "stroke-opacity": 0.6 }));
    }
  }
}

/** One place of the axis with every series' value: what the pointer and the arrow keys stop at. */
function placeStop(view, plot, series, index, tops) {
  const present = series.filter((each) => each.values[index] !== null);
  return {
    x: plot.x(index), y: Math.min(...present.map((each) => tops(each, index)), plot.edge.bottom), title: view.frame.xs[index].label,
    items: () => [...present].sort((one, other) => other.values[index] - one.values[index])
      .map((each) => ({ colour: each.colour, label: each.label, value: view.format.full(each.values[index]) })),
    dots: () => present.map((each) => ({ x: plot.x(index), y: tops(each, index), colour: each.colour })),
  };
}
