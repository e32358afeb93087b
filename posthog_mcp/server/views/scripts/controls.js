// The row of buttons, the list of series, and the page's start.

function controls(view, asTable) {
  const { spec } = view;
  const chartable = spec.type !== "table" && view.result.rows.length > 0;
  press("as-chart", !asTable);
  press("as-table", asTable);
  by("as-chart").disabled = !chartable;
  const switchable = chartable && !asTable && PLAIN.includes(spec.planned);
  choices("type", switchable ? PLAIN.map((type) => [type, type]) : [], spec.type);
  choices("value", asTable ? [] : spec.values.map((index) => [String(index), index < 0 ? "all columns" : textOf(view.result.columns[index].name)]), String(spec.value));
  by("order-label").hidden = !(drawn && drawn.sortable);
  by("order").value = state.order;
  by("log-label").hidden = !(drawn && drawn.canLog);
  by("log").checked = state.log;
  by("copy-hogql").hidden = !result.hogql;
  by("csv").hidden = result.rows.length === 0;
  by("png").hidden = drawn === null;
  listSeries(asTable || !chartable ? null : view.shown);
  report();
}

function press(id, on) {
  by(id).setAttribute("aria-pressed", String(on));
}

function choices(id, options, chosen) {
  by(`${id}-label`).hidden = options.length < 2;
  by(id).replaceChildren(...options.map(([value, text]) => {
    const option = element("option", { value }, cut(text, 60));
    option.selected = value === chosen;
    return option;
  }));
}

function listSeries(shown) {
  const options = shown ? shown.options : [];
  const box = by("series");
  box.hidden = options.length < 2;
  if (box.hidden) return;
  const on = options.filter((option) => option.on).length;
  box.querySelector("summary").textContent = `Series (${on} of ${options.length})`;
  by("series-search").hidden = options.length < 12;
  by("series-top").hidden = options.length <= TOP;
  const sought = by("series-search").value.toLowerCase();
  const held = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.name : undefined;
  by("series-list").replaceChildren(...options.slice(0, 500).map((option) => {
    const item = element("li", {}), words = element("label", {}), tick = element("input", { type: "checkbox", "data-name": option.name });
    tick.checked = option.on;
    tick.addEventListener("change", () => {
      state.series.set(option.name, tick.checked);
      render();
    });
    const swatch = element("span", { class: "swatch" });
    swatch.style.setProperty("--c", `var(${option.colour})`);
    const name = element("span", { dir: "auto", title: option.label }, option.label || "(all)");
    words.append(tick, swatch, name);
    item.append(words);
    item.hidden = sought !== "" && !option.label.toLowerCase().includes(sought);
    return item;
  }));
  if (held !== undefined) {
    const again = [...by("series-list").querySelectorAll("input")].find((tick) => tick.dataset.name === held);
    if (again) again.focus();
  }
}

function chooseSeries(isOn) {
  for (const option of viewOf().shown.options) state.series.set(option.name, isOn(option));
  render();
}

const panel = {
  show(text, { text: content, image }) {
    by("panel").hidden = false;
    by("panel-text").textContent = text;
    by("panel-area").hidden = content === undefined;
    by("panel-area").value = content === undefined ? "" : content;
    by("panel-image").hidden = !image;
    if (image) by("panel-image").src = image;
    if (content !== undefined) by("panel-area").select();
    report();
  },
  close() {
    by("panel").hidden = true;
    report();
  },
};

function onClick(id, act) {
  by(id).addEventListener("click", act);
}

function onChange(id, act) {
  by(id).addEventListener("change", () => {
    act(by(id));
    render();
  });
}

onClick("as-chart", () => {
  state.table = false;
  render();
});
onClick("as-table", () => {
  state.table = true;
  render();
});
onChange("type", (select) => (state.type = select.value));
onChange("value", (select) => (state.value = Number(select.value)));
onChange("order", (select) => (state.order = select.value));
onChange("log", (box) => (state.log = box.checked));
by("series-search").addEventListener("input", () => listSeries(viewOf().shown));
onClick("series-all", () => chooseSeries((option) => option.name !== OTHER));
onClick("series-none", () => chooseSeries(() => false));
onClick("series-top", () => {
  state.series.clear();
  render();
});
onClick("panel-close", panel.close);
onClick("csv", () => handOver({ name: fileName(by("title").textContent, "csv"), type: "text/csv", text: csvOf(result) }, host, panel));
onClick("png", async () => {
  try {
    const source = [by("footnote").textContent, by("source").textContent].filter(Boolean).join(" · ");
    const png = await pngOf(drawn, by("title").textContent, source);
    await handOver({ name: fileName(by("title").textContent, "png"), type: "image/png", png }, host, panel);
  } catch {
    panel.show("This host does not let the page make a PNG. Ask for the chart as an image in the conversation instead.", {});
  }
});
onClick("copy-hogql", async () => {
  const done = await copied(result.hogql);
  if (!done) return panel.show("This host blocks the clipboard. The query is selected: copy it from here.", { text: result.hogql });
  by("copy-hogql").textContent = "Copied";
  setTimeout(() => (by("copy-hogql").textContent = "Copy HogQL"), 1500);
  return undefined;
});
by("series").addEventListener("toggle", report);
by("series").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  by("series").open = false;
  by("series").querySelector("summary").focus();
});

/** Tells the host how high the page is; the width is the host's. */
function report() {
  const height = Math.ceil(document.querySelector("main").getBoundingClientRect().height);
  if (!host.connected || height === sent) return;
  sent = height;
  host.notify("ui/notifications/size-changed", { height });
}

const observer = new ResizeObserver(() => {
  const now = by("figure").clientWidth;
  if (result && now !== width && now > 0) {
    width = now;
    if (!state.table && drawn) render();
  }
  report();
});
observer.observe(document.querySelector("main"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(context));
applyTheme(context);
if (window.parent === window) fail("This page shows results of posthog-mcp inside an app that supports MCP Apps.");
else {
  introduce(host).then((given) => {
    context = { ...given, ...context };
    applyTheme(context);
    report();
    if (result) render();
  }, (error) => fail(`The host refused this page: ${error.message}`));
}
