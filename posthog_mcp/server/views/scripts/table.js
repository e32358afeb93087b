// The rows as a table: sorted by any column, a page of rows at a time.

const PAGE = 200;

function drawTable(view, sorting, rowsShown, { onSort, onMore }) {
  const { result } = view;
  const table = element("table", {}), head = element("thead", {}), body = element("tbody", {});
  const heads = element("tr", {});
  const numeric = result.columns.map((_, index) => isNumeric(result, index));
  result.columns.forEach((column, index) => {
    const state = sorting.column === index ? (sorting.down ? "descending" : "ascending") : "none";
    const th = element("th", { scope: "col", "aria-sort": state, class: numeric[index] ? "numeric" : "" });
    const button = element("button", { type: "button", dir: "auto" }, textOf(column.name) + (state === "none" ? "" : sorting.down ? " ▼" : " ▲"));
    button.addEventListener("click", () => onSort(index));
    th.append(button);
    heads.append(th);
  });
  head.append(heads);
  const formats = result.columns.map((column, index) => cellFormat(view, column, index));
  const rows = sortedRows(result.rows, sorting, sorting.column >= 0 && numeric[sorting.column]);
  for (const row of rows.slice(0, rowsShown)) {
    const line = element("tr", {});
    row.forEach((cell, index) => {
      const td = element("td", { class: cell === null ? "nothing" : numeric[index] ? "numeric" : "" });
      td.append(element("bdi", {}, cell === null ? "null" : formats[index](cell)));
      line.append(td);
    });
    body.append(line);
  }
  table.append(head, body);
  const box = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rows of the result" });
  box.append(table);
  const all = element("div", {});
  all.append(box);
  if (rows.length > rowsShown) {
    const more = element("button", { type: "button", id: "more-rows" }, `Show more (${view.count(rowsShown)} of ${view.count(rows.length)} rows)`);
    more.addEventListener("click", onMore);
    all.append(more);
  }
  return all;
}

function element(name, attributes, text) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== "") node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function isNumeric(result, index) {
  const cells = result.rows.map((row) => row[index]).filter((cell) => cell !== null);
  if (!cells.length) return false;
  return cells.every((cell) => typeof cell === "number")
    || (NUMERIC.test(result.columns[index].type) && cells.every((cell) => numberOf(cell) !== null));
}

/** The value column in its unit; ids and years without thousands separators; everything else as it came. */
function cellFormat(view, column, index) {
  const { spec } = view;
  if (index === spec.y && spec.unit !== "none") return (cell) => (typeof cell === "number" ? view.format.full(cell) : textOf(cell));
  if (/(?:^|_)(?:id|year)$/i.test(column.name)) return textOf;
  const times = view.result.rows.map((row) => row[index]).filter((cell) => cell !== null).map(timeOf);
  if (times.length && times.every((time) => time !== null)) {
    const length = times.every((time) => time % DAY === 0) ? 10 : 19; // the zone stands below the table, the offset in the CSV
    return (cell) => textOf(cell).replace("T", " ").slice(0, length);
  }
  const exact = numberFormat(view.locale, { maximumFractionDigits: 6 });
  return (cell) => (typeof cell === "number" && Math.abs(cell) < 1e15 && (cell === 0 || Math.abs(cell) >= 1e-6) ? exact.format(cell) : textOf(cell));
}

/** Stable; empty cells stand last in both directions. */
function sortedRows(rows, sorting, numeric) {
  if (sorting.column < 0) return rows;
  const key = (row) => (numeric ? numberOf(row[sorting.column]) : row[sorting.column] === null ? null : textOf(row[sorting.column]));
  const collator = new Intl.Collator(undefined, { numeric: true });
  const compare = numeric ? (one, other) => one - other : collator.compare;
  return rows.map((row) => [key(row), row]).sort(([one], [other]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    return sorting.down ? compare(other, one) : compare(one, other);
  }).map(([, row]) => row);
}
