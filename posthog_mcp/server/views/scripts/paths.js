// Flows from step to step: columns of pages, bands as thick as the number of people.

const FLOWS = 60;

function drawPaths(view) {
  const { spec, result, width, format } = view;
  const flows = flowsOf(spec, result);
  const kept = flows.slice(0, FLOWS);
  const { nodes, columns } = nodesOf(kept);
  const fullest = Math.max(...columns.map((column) => column.length));
  const height = Math.max(260, fullest * 30 + 30), top = 24, thick = 10;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const gap = columns.length > 1 ? (width - thick) / (columns.length - 1) : width;
  const free = (column) => height - top - 6 - column.length * 16;
  const scale = Math.min(...columns.map((column) => free(column) / Math.max(1e-9, column.reduce((sum, node) => sum + node.size, 0))));
  columns.forEach((column, number) => {
    const used = column.reduce((sum, node) => sum + Math.max(1.5, node.size * scale), 0);
    const space = Math.min(40, (height - top - 6 - used) / Math.max(1, column.length));
    let y = top;
    for (const node of column.sort((one, other) => other.size - one.size)) {
      Object.assign(node, { x: Math.min(width - thick, number * gap), y, height: Math.max(1.5, node.size * scale), out: 0, in: 0 });
      y += node.height + space;
    }
    const x = number === 0 ? 0 : Math.min(width, number * gap + thick);
    root.append(svg("text", { x, y: 12, "text-anchor": number === 0 ? "start" : number === columns.length - 1 ? "end" : "middle", class: "faint" }, `Step ${column[0].step}`));
  });
  const colourOf = colours(columns);
  const site = onlySite([...nodes.values()].map((node) => node.name));
  const shortName = (name) => (site ? name.slice(name.indexOf(site) + site.length) || "/" : name);
  const stops = [];
  for (const flow of kept) {
    const from = nodes.get(flow.from), to = nodes.get(flow.to);
    const breadth = Math.max(1, flow.value * scale);
    const start = from.y + from.out + breadth / 2, end = to.y + to.in + breadth / 2;
    from.out += breadth;
    to.in += breadth;
    const middle = (from.x + thick + to.x) / 2;
    const [y1, y2] = [start.toFixed(1), end.toFixed(1)];
    const path = svg("path", { d: `M${from.x + thick} ${y1}C${middle} ${y1} ${middle} ${y2} ${to.x} ${y2}`, class: "flow", "stroke-width": breadth, colour: colourOf(from) });
    path.dataset.stop = stops.length;
    root.append(path);
    stops.push({ x: middle, y: (start + end) / 2, title: `${from.name} → ${to.name}`, path,
      items: () => [{ colour: colourOf(from), label: "people", value: format.full(flow.value) }] });
  }
  for (const node of nodes.values()) {
    const bar = svg("rect", { x: node.x, y: node.y, width: thick, height: node.height, rx: 1.5, class: "mark", colour: colourOf(node) });
    bar.dataset.stop = stops.length;
    root.append(bar);
    const last = node.x > width - gap / 2 && columns.length > 1;
    const shared = columns.length > 2 && node.x > width - gap * 1.5; // the last two columns write into the same gap
    const room = Math.max(40, (gap - thick) / (shared || columns.length === 2 ? 2 : 1) - 12);
    label(root, shortName(node.name), last ? node.x - 5 : node.x + thick + 5, node.y + Math.min(node.height / 2, 40) + 4, room, { class: "halo", "text-anchor": last ? "end" : "start" });
    stops.push({ x: node.x, y: node.y + node.height / 2, title: node.name,
      items: () => [{ label: `at step ${node.step}`, value: format.full(node.size) }] });
  }
  const notes = site ? [`Pages of ${site}.`] : [];
  if (flows.length > kept.length) notes.push(`The ${FLOWS} largest of ${view.count(flows.length)} flows; the table has all.`);
  return { root, stops, mode: "mark", notes, marks: kept.length };
}

/** {from, to, value}, largest first; steps come from `3_/page`, where there is none a flow goes from step 1 to 2. */
function flowsOf(spec, result) {
  const sums = new Map();
  for (const row of result.rows) {
    const value = numberOf(row[spec.y]);
    if (value === null || value <= 0) continue;
    const from = stepOf(row[spec.x], 1), to = stepOf(row[spec.series], from.step + 1);
    if (to.step <= from.step) to.step = from.step + 1;
    const key = JSON.stringify([from, to]);
    if (!sums.has(key)) sums.set(key, { from: JSON.stringify(from), to: JSON.stringify(to), value: 0 });
    sums.get(key).value += value;
  }
  if (!sums.size) throw new Error("No flow has more than zero people.");
  return [...sums.values()].sort((one, other) => other.value - one.value);
}

function stepOf(cell, step) {
  const text = nameOf(cell), found = /^(\d{1,3})_(.*)$/.exec(text);
  return found ? { step: Number(found[1]), name: nameOf(found[2]) } : { step, name: text };
}

function nodesOf(flows) {
  const nodes = new Map();
  const reach = (key) => {
    if (!nodes.has(key)) nodes.set(key, { ...JSON.parse(key), outgoing: 0, incoming: 0 });
    return nodes.get(key);
  };
  for (const flow of flows) {
    reach(flow.from).outgoing += flow.value;
    reach(flow.to).incoming += flow.value;
  }
  const steps = [...new Set([...nodes.values()].map((node) => node.step))].sort((one, other) => one - other);
  for (const node of nodes.values()) node.size = Math.max(node.outgoing, node.incoming);
  return { nodes, columns: steps.map((step) => [...nodes.values()].filter((node) => node.step === step)) };
}

/** The host that all addresses share: it would fill the labels and tell nothing. */
function onlySite(names) {
  const sites = new Set(names.map((name) => (/^https?:\/\/([^/?#]+)/.exec(name) || [])[1]));
  return sites.size === 1 ? [...sites][0] : undefined;
}

/** One page has one colour wherever it stands. */
function colours(columns) {
  const names = [...new Set(columns.flat().sort((one, other) => other.size - one.size).map((node) => node.name))];
  return (node) => (names.indexOf(node.name) < 10 ? `--c${names.indexOf(node.name)}` : "--other");
}
