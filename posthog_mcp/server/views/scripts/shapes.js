// Pictures without axes: pie, retention table, flows between steps, one number.

function drawPie(view) {
  const { spec, frame, shown, width, format } = view;
  const bySeries = spec.x < 0 || frame.xs.length < 2 && shown.series.length > 1;
  const all = bySeries
    ? shown.series.map((each) => ({ label: each.label, value: each.values.reduce((sum, value) => sum + (value || 0), 0) }))
    : frame.xs.map((place, index) => ({ label: place.label, value: shown.series.reduce((sum, each) => sum + (each.values[index] || 0), 0) }));
  if (all.some((part) => part.value < 0) || !all.some((part) => part.value > 0)) {
    const drawn = drawRows(view);
    drawn.notes.unshift(all.some((part) => part.value < 0) ? "Bars instead of a pie: negative values are no parts of a whole." : "Bars instead of a pie: all values are zero.");
    return drawn;
  }
  const sorted = all.filter((part) => part.value > 0).sort((one, other) => other.value - one.value);
  const parts = sorted.length > 9 ? sorted.slice(0, 8) : sorted;
  if (sorted.length > 9) parts.push({ label: `Other (${sorted.length - 8})`, value: sorted.slice(8).reduce((sum, part) => sum + part.value, 0), other: true });
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const side = Math.min(260, width * 0.45), radius = side / 2 - 4;
  const height = Math.max(side, parts.length * 24 + 8);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const centre = { x: side / 2, y: height / 2 };
  const rate = valueFormat("percent", "", view.locale).short;
  const stops = [];
  let turn = -Math.PI / 2;
  const legend = side + 18, end = Math.min(width - 2, legend + 360);
  parts.forEach((part, index) => {
    const colour = part.other ? "--other" : `--c${index % 10}`;
    const angle = (part.value / total) * 2 * Math.PI;
    const slice = svg("path", { d: ring(centre, radius, radius * 0.58, turn, turn + Math.min(angle, 2 * Math.PI - 1e-4)), class: "slice", colour });
    slice.dataset.stop = index;
    root.append(slice);
    const middle = turn + angle / 2;
    turn += angle;
    const y = height / 2 - (parts.length * 24) / 2 + index * 24 + 16;
    root.append(svg("rect", { x: legend, y: y - 10, width: 11, height: 11, rx: 3, class: "mark", colour }));
    const value = `${format.short(part.value)} · ${rate(part.value / total)}`;
    label(root, part.label, legend + 18, y, end - legend - 30 - textWidth(value), {});
    root.append(svg("text", { x: end, y, "text-anchor": "end", class: "faint" }, value));
    stops.push({ x: centre.x + Math.cos(middle) * radius * 0.8, y: centre.y + Math.sin(middle) * radius * 0.8, title: part.label,
      items: () => [{ colour, label: "value", value: format.full(part.value) }, { label: "share", value: rate(part.value / total) }] });
  });
  if (ADDITIVE.includes(spec.unit)) {
    root.append(svg("text", { x: centre.x, y: centre.y + 1, "text-anchor": "middle", class: "strong", "font-size": 16 }, format.short(total)));
    root.append(svg("text", { x: centre.x, y: centre.y + 16, "text-anchor": "middle", class: "faint" }, "total"));
  }
  return { root, stops, mode: "mark", notes: [], marks: parts.length };
}

function ring(centre, outer, inner, from, to) {
  const at = (radius, angle) => `${(centre.x + Math.cos(angle) * radius).toFixed(2)} ${(centre.y + Math.sin(angle) * radius).toFixed(2)}`;
  const large = to - from > Math.PI ? 1 : 0;
  return `M${at(outer, from)}A${outer} ${outer} 0 ${large} 1 ${at(outer, to)}L${at(inner, to)}A${inner} ${inner} 0 ${large} 0 ${at(inner, from)}Z`;
}

/** One row a cohort, one cell a period: the fuller, the stronger. */
function drawRetention(view) {
  const { frame, shown, width, format, spec } = view;
  const rows = shown.series.slice(0, 60), periods = frame.xs;
  const left = Math.min(width * 0.3, 150, Math.max(40, ...rows.map((each) => textWidth(each.label)))) + 14;
  const room = (width - left) / Math.max(1, periods.length);
  const cell = { width: Math.min(90, room), height: 26 };
  const height = 22 + rows.length * cell.height + 2;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const widest = textWidth(format.short(spec.unit === "percent" ? 0.999 : 9999), 11);
  const every = Math.max(1, Math.ceil((Math.min(60, Math.max(...periods.map((period) => textWidth(period.label, 11)))) + 10) / cell.width));
  const later = frame.xs.map((place, index) => index).filter((index) => !(frame.kind === "number" && frame.xs[index].at === 0));
  const most = Math.max(1e-9, extremes(rows.flatMap((each) => (later.length ? later : frame.xs.map((_, index) => index)).map((index) => each.values[index] || 0)))[1]);
  periods.forEach((period, index) => {
    const x = left + cell.width * (index + 0.5), text = fitted(period.label, cell.width * every, 11);
    if (index % every || x + textWidth(text, 11) / 2 > width) return;
    root.append(svg("text", { x, y: 12, "text-anchor": "middle", class: "faint" }, text));
  });
  const darker = document.documentElement.dataset.theme === "dark" ? 60 : 72; // from here the other text colour reads better
  const stops = [];
  rows.forEach((each, row) => {
    const y = 20 + row * cell.height;
    label(root, each.label, left - 8, y + cell.height / 2 + 4, left - 8, { "text-anchor": "end" });
    each.values.forEach((value, index) => {
      if (value === null) return;
      const strength = Math.max(0, Math.min(1, value / most));
      const share = Math.round(6 + 94 * strength);
      const rect = svg("rect", { x: left + cell.width * index, y, width: Math.max(1, cell.width - 1.5), height: cell.height - 1.5, rx: 2, class: "heat" });
      rect.style.fill = `color-mix(in srgb, var(--ramp) ${share}%, var(--bg))`;
      rect.dataset.stop = stops.length;
      root.append(rect);
      if (cell.width > widest + 4) {
        const text = svg("text", { x: left + cell.width * (index + 0.5), y: y + cell.height / 2 + 3, "text-anchor": "middle", "font-size": 11 }, format.short(value));
        if (share > darker) text.style.fill = "var(--ramp-text)";
        text.style.pointerEvents = "none";
        root.append(text);
      }
      const period = spec.x >= 0 ? textOf(view.result.columns[spec.x].name) : "period";
      stops.push({ x: left + cell.width * (index + 0.5), y: y + cell.height / 2, title: each.label || "all", row,
        items: () => [{ label: `${period} ${periods[index].label}`, value: format.full(value) }] });
    });
  });
  const notes = later.length < periods.length && later.length ? ["The colour is scaled to the strongest value after period 0."] : [];
  if (shown.series.length > 60) notes.push(`60 of ${shown.series.length} cohorts; the table has all.`);
  return { root, stops, mode: "mark", notes, marks: stops.length };
}

/** One number, as large as fits. */
function drawNumber(view) {
  const { spec, result, width, format } = view;
  const column = spec.y >= 0 ? spec.y : Math.max(0, result.columns.findIndex((_, index) => numberOf(result.rows[0][index]) !== null));
  const cell = result.rows[0][column], value = numberOf(cell);
  const text = value === null ? textOf(cell) || "no value" : format.full(value);
  const size = Math.max(18, Math.min(64, (width - 20) / Math.max(1, textWidth(text, 1))));
  const root = svg("svg", { viewBox: `0 0 ${width} 130`, width, height: 130 });
  root.append(svg("text", { x: width / 2, y: 78, "text-anchor": "middle", "font-size": size, class: "strong" }, fitted(text, width - 10, size)));
  label(root, textOf(result.columns[column].name), width / 2, 110, width - 20, { "text-anchor": "middle", class: "faint" });
  const notes = result.rows.length > 1 ? [`The first of ${view.count(result.rows.length)} rows; the table has all.`] : [];
  return { root, notes, mode: "mark", marks: 1,
    stops: [{ x: width / 2, y: 60, title: textOf(result.columns[column].name), items: () => [{ label: "value", value: text }] }] };
}
