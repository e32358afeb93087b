// What the pointer or the arrow keys stand on: a box beside it, a mark in the picture, and words for screen readers.

const ITEMS = 12;

/** Makes a drawn picture readable by pointer and keyboard; `drawn.stops` are its places in reading order. */
function makeReadable(drawn, figure, tip, spoken) {
  const { root, stops } = drawn;
  const order = drawn.order || stops.map((_, index) => index);
  let current = -1;
  let cursor = null;
  const hide = () => {
    tip.hidden = true;
    if (cursor) cursor.remove();
    if (current >= 0 && stops[order[current]].path) stops[order[current]].path.classList.remove("on");
    current = -1;
  };
  const show = (position, aloud) => {
    if (position === current) return;
    hide();
    current = position;
    const stop = stops[order[position]];
    cursor = cursorOf(drawn, stop, order[position]);
    root.append(cursor);
    if (stop.path) stop.path.classList.add("on");
    fillTip(tip, stop);
    placeTip(tip, root, figure, stop);
    if (aloud) spoken.textContent = spokenText(stop);
  };
  root.addEventListener("pointermove", (event) => point(event));
  root.addEventListener("pointerdown", (event) => point(event));
  root.addEventListener("pointerleave", hide);
  root.addEventListener("blur", hide);
  root.addEventListener("keydown", (event) => {
    const last = order.length - 1;
    const moves = { ArrowRight: current + 1, ArrowDown: current + 1, ArrowLeft: current < 0 ? last : current - 1, ArrowUp: current < 0 ? last : current - 1,
      Home: 0, End: last, PageDown: current + 10, PageUp: current - 10 };
    if (event.key === "Escape") hide();
    else if (event.key in moves && last >= 0) show(Math.max(0, Math.min(last, moves[event.key])), true);
    else return;
    event.preventDefault();
  });

  function point(event) {
    const mark = event.target.closest("[data-stop]");
    if (mark) return show(order.indexOf(Number(mark.dataset.stop)), false);
    if (drawn.mode === "mark" || !stops.length) return hide();
    const bounds = root.getBoundingClientRect();
    const x = ((event.clientX - bounds.left) / bounds.width) * root.viewBox.baseVal.width;
    const y = ((event.clientY - bounds.top) / bounds.height) * root.viewBox.baseVal.height;
    const far = { x: (stop) => Math.abs(stop.x - x), row: (stop) => Math.abs(stop.y - y), near: (stop) => Math.hypot(stop.x - x, stop.y - y) }[drawn.mode];
    let best = 0;
    for (let index = 1; index < order.length; index += 1) if (far(stops[order[index]]) < far(stops[order[best]])) best = index;
    return drawn.mode === "near" && far(stops[order[best]]) > 25 ? hide() : show(best, false);
  }
}

function cursorOf(drawn, stop, index) {
  const group = svg("g", {});
  if (drawn.mode === "x") {
    group.append(svg("line", { x1: stop.x, x2: stop.x, y1: drawn.edge.top, y2: drawn.edge.bottom, class: "cursor" }));
    if (stop.dots) for (const dot of stop.dots()) group.append(svg("circle", { cx: dot.x, cy: dot.y, r: 4, class: "dot", colour: dot.colour }));
    return group;
  }
  const mark = drawn.root.querySelector(`[data-stop="${index}"]`);
  if (!mark || mark.tagName === "path") return group;
  const box = mark.getBBox();
  group.append(svg("rect", { x: box.x - 2, y: box.y - 2, width: box.width + 4, height: box.height + 4, rx: 3, class: "frame" }));
  return group;
}

function fillTip(tip, stop) {
  tip.replaceChildren(element("b", { dir: "auto" }, cut(stop.title, 120)));
  const items = stop.items();
  for (const item of items.slice(0, ITEMS)) {
    const line = element("div", {});
    if (item.colour) {
      const swatch = element("span", { class: "swatch" });
      swatch.style.setProperty("--c", `var(${item.colour})`);
      line.append(swatch);
    }
    if (item.label) line.append(element("bdi", {}, cut(item.label, 60)));
    line.append(element("i", {}, item.value));
    tip.append(line);
  }
  if (items.length > ITEMS) tip.append(element("div", {}, `and ${items.length - ITEMS} more`));
}

function placeTip(tip, root, figure, stop) {
  tip.hidden = false;
  const picture = root.getBoundingClientRect(), page = figure.parentElement.getBoundingClientRect();
  const scale = picture.width / root.viewBox.baseVal.width;
  const x = picture.left - page.left + stop.x * scale, y = picture.top - page.top + stop.y * scale;
  const left = x + 14 + tip.offsetWidth > page.width - 4 ? x - 14 - tip.offsetWidth : x + 14;
  tip.style.left = `${Math.max(4, Math.min(left, page.width - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(4, Math.min(y - tip.offsetHeight / 2, page.height - tip.offsetHeight - 4))}px`;
}

function spokenText(stop) {
  const items = stop.items();
  const more = items.length > ITEMS ? `, and ${items.length - ITEMS} more` : "";
  return `${stop.title}: ${items.slice(0, ITEMS).map((item) => [item.label, item.value].filter(Boolean).join(" ")).join(", ")}${more}`;
}
