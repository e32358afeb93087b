// Rows of a chart as series over one horizontal axis; which series are drawn, and which points of long ones.

const TOP = 10;
const POINTS = 2000;
const OTHER = "\u0000other"; // no name of the data: control characters are removed from those
const ADDITIVE = ["count", "bytes", "currency", "none", "seconds", "milliseconds"];

/** {x, y, name, row} of every row; a wide result gives one for each of its number columns. */
function pointsOf(spec, result) {
  const points = [];
  result.rows.forEach((row, index) => {
    const x = spec.x < 0 ? null : row[spec.x];
    const ys = spec.wide || [spec.y];
    for (const column of ys) {
      const name = spec.wide ? textOf(result.columns[column].name) : spec.series < 0 ? "" : nameOf(row[spec.series]);
      points.push({ x, y: column < 0 ? null : numberOf(row[column]), name, row: index });
    }
  });
  return points;
}

/** `kind` of the axis is time, number or category; `xs` are its distinct places in order, `lines` the values by series,
 * `gaps` where a row says null (a line breaks there, while it runs on over places without a row). */
function frameOf(spec, result, locale) {
  const points = pointsOf(spec, result);
  const cells = points.map((point) => point.x).filter((cell) => cell !== null);
  const kind = cells.length === 0 ? "category" : cells.every((cell) => timeOf(cell) !== null) ? "time"
    : cells.every((cell) => typeof cell === "number") ? "number" : "category";
  const place = kind === "time" ? timeOf : kind === "number" ? numberOf : nameOf;
  const used = kind === "category" ? points : points.filter((point) => point.x !== null);
  const keys = [...new Set(used.map((point) => place(point.x)))];
  if (kind !== "category") keys.sort((one, other) => one - other);
  const indexes = new Map(keys.map((key, index) => [key, index]));
  const write = kind === "time" ? timeFormat(keys, locale) : kind === "number" ? valueFormat("none", "", locale).full : (key) => key;
  const lines = new Map(), gaps = new Map();
  let repeated = 0;
  for (const point of used) {
    if (!lines.has(point.name)) {
      lines.set(point.name, new Array(keys.length).fill(null));
      gaps.set(point.name, new Set());
    }
    const values = lines.get(point.name), index = indexes.get(place(point.x));
    if (point.y === null) gaps.get(point.name).add(index);
    else if (values[index] === null) values[index] = point.y;
    else if (ADDITIVE.includes(spec.unit) && ++repeated) values[index] += point.y;
    else repeated += 1;
  }
  const notes = [];
  if (points.length > used.length) notes.push(`${points.length - used.length} rows without a value of the horizontal axis are only in the table.`);
  if (repeated && ADDITIVE.includes(spec.unit)) notes.push("Rows with the same place and series are added up.");
  else if (repeated) notes.push("Of rows with the same place and series the first is drawn.");
  const size = (name) => lines.get(name).reduce((sum, value) => sum + Math.abs(value || 0), 0);
  const sizes = new Map([...lines.keys()].map((name) => [name, size(name)]));
  const names = [...lines.keys()].sort((one, other) => sizes.get(other) - sizes.get(one));
  return { kind, lines, gaps, names, notes, xs: keys.map((key) => ({ at: key, label: write(key) })) };
}

/** The series to draw: the ten largest and the sum of the others (all of them with `every`), or what the person chose. */
function shownSeries(frame, spec, choice, { every = false, sum = true } = {}) {
  const own = frame.names.filter((name) => !spec.compared.has(name));
  const past = frame.names.filter((name) => spec.compared.has(name));
  const most = every ? Infinity : TOP;
  const top = [...own.slice(0, most), ...past.slice(0, most)];
  const isOn = (name) => (choice.has(name) ? choice.get(name) : top.includes(name));
  const summed = own.slice(TOP).filter((name) => !isOn(name));
  const mayAdd = sum && !every && ADDITIVE.includes(spec.unit) && own.length > TOP;
  const series = [...past, ...own].filter(isOn).map((name) => ({
    name, label: name, colour: spec.compared.has(name) ? "--past" : `--c${own.indexOf(name) % 10}`,
    past: spec.compared.has(name), values: frame.lines.get(name), gaps: frame.gaps.get(name),
  }));
  const otherIsOn = mayAdd && (choice.has(OTHER) ? choice.get(OTHER) : true);
  if (otherIsOn && summed.length) {
    const values = frame.xs.map((_, index) => summed.reduce((sum, name) => {
      const value = frame.lines.get(name)[index];
      return value === null ? sum : (sum || 0) + value;
    }, null));
    series.push({ name: OTHER, label: `Other (${summed.length})`, colour: "--other", past: false, values, gaps: new Set() });
  }
  const options = [...own, ...past].map((name) => ({
    name, label: name, on: isOn(name), colour: spec.compared.has(name) ? "--past" : `--c${own.indexOf(name) % 10}`,
  }));
  if (mayAdd && summed.length) options.push({ name: OTHER, label: `Other (${summed.length})`, on: otherIsOn, colour: "--other" });
  const hidden = own.filter((name) => !isOn(name)).length;
  return { series, options, hidden: otherIsOn ? 0 : hidden };
}

/** Positions to draw of one series: with too many, the first, last, lowest and highest of each stretch. */
function thinned(values, budget) {
  const present = [];
  values.forEach((value, index) => value !== null && present.push(index));
  if (present.length <= budget) return present;
  const stretch = present.length / Math.max(1, Math.floor(budget / 4));
  const kept = new Set();
  for (let start = 0; start < present.length; start += stretch) {
    const part = present.slice(Math.floor(start), Math.floor(start + stretch));
    if (!part.length) continue;
    let low = part[0], high = part[0];
    for (const index of part) {
      if (values[index] < values[low]) low = index;
      if (values[index] > values[high]) high = index;
    }
    for (const index of [part[0], low, high, part[part.length - 1]]) kept.add(index);
  }
  return [...kept].sort((one, other) => one - other);
}
