// What people do with the page: switch, sort, filter, read by pointer and keyboard, take files, in hosts of every kind.
import { readFileSync } from "node:fs";
import { told } from "./checks.mjs";
import { BUILD, PAYLOAD, chartOf, day, good, resultOf, rowsAlone, usual } from "./results.mjs";

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const names = (count) => Array.from({ length: count }, (_, index) => `Value ${index + 1}`);
const fifty = () => BUILD.line(null, names(50), usual);
const cell = (host, row, column) => host.view.evaluate(([r, c]) => document.querySelectorAll("tbody tr")[r].children[c].textContent, [row, column]);

async function conversation(host) {
  await host.mount({ context: { theme: "dark", locale: "de-DE" } });
  const waiting = await host.text("#title");
  told("tool-input: the query stands there while it runs", same(waiting, ["SELECT 1"]), String(waiting));
  await host.show(good("bar"));
  const shown = await host.text("#figure svg text");
  told("locale of the host writes the numbers", shown.includes("2.405"), shown.join(" "));
  told("theme of the host at the start", await theme(host) === "dark");
  await host.page.evaluate(() => window.host.context({ theme: "light" }));
  await host.settle();
  told("theme switches with host-context-changed", await theme(host) === "light");
  await host.page.evaluate(() => window.host.context({ theme: "light", styles: { variables: { "--color-background-primary": "url(/leak)" } } }));
  await host.settle();
  const ground = () => host.view.evaluate(() => getComputedStyle(document.body).backgroundColor);
  told("a background of the host that would load something is not used", (await ground()) === "rgb(255, 255, 255)", await ground());
  await host.page.evaluate(() => window.host.context({ theme: "light", styles: { variables: { "--color-background-primary": "rgb(250, 240, 230)", "--color-text-primary": "red;} body{display:none" } } }));
  await host.settle();
  const style = await host.view.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color, getComputedStyle(document.body).display]);
  told("colours of the host are used, its broken ones are not", same(style, ["rgb(250, 240, 230)", "rgb(27, 31, 36)", "block"]), String(style));
  told("the picture stays after a context change", (await host.look()).marks === 15);
  told("ping is answered", same(await host.page.evaluate(() => window.host.ping()), {}));
  const before = (await host.seen()).sizes.length;
  await host.view.click("#as-table");
  await host.settle();
  const sizes = (await host.seen()).sizes;
  const height = await host.view.evaluate(() => document.querySelector("main").getBoundingClientRect().height);
  told("size-changed follows the page", sizes.length > before && sizes.at(-1).height === Math.ceil(height), JSON.stringify([sizes, height]));
  await host.view.click("#as-chart");
  await host.page.evaluate(() => window.host.resize(380));
  await host.view.waitForFunction(() => document.querySelector("#figure svg").viewBox.baseVal.width < 400);
  const narrow = await host.look();
  told("a narrow frame: drawn anew and nothing beyond", narrow.marks === 15 && narrow.cut.length === 0 && narrow.beyond === 0, JSON.stringify(narrow));
  const aside = await host.view.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  told("a narrow frame: no sideways scrolling", aside <= 0, String(aside));
  told("teardown is answered", same(await host.page.evaluate(() => window.host.teardown()), {}));
}

const theme = (host) => host.view.evaluate(() => document.documentElement.dataset.theme);

async function strangers(host) {
  await host.mount();
  await host.show(good("bar"));
  await host.view.evaluate(() => {
    const other = document.createElement("iframe");
    document.body.append(other);
    const script = other.contentDocument.createElement("script");
    script.textContent = 'parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { content: [], structuredContent: { columns: [], rows: [] } } }, "*")';
    other.contentDocument.body.append(script);
    window.postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params: { isError: true, content: [] } }, "*");
  });
  await host.page.waitForTimeout(150);
  told("messages of other windows are ignored", (await host.look()).marks === 15);
}

async function systemTheme(host) {
  await host.page.emulateMedia({ colorScheme: "dark" });
  await host.mount({ context: {} });
  told("without a theme of the host: the system's", await theme(host) === "dark");
  await host.page.emulateMedia({ colorScheme: "light" });
  await host.view.waitForFunction(() => document.documentElement.dataset.theme === "light");
  told("the system's theme is followed", true);
}

async function tables(host) {
  await host.mount();
  await host.show(good("line"));
  await host.view.click("#as-table");
  told("table: every row", (await host.number("tbody tr")) === 90, String(await host.number("tbody tr")));
  told("table: numbers with separators, times in the project's zone", same([await cell(host, 0, 0), await cell(host, 0, 2)], ["2026-01-01", "1,530"]), `${await cell(host, 0, 0)} ${await cell(host, 0, 2)}`);
  const head = (index) => `thead th:nth-child(${index + 1})`;
  await host.view.click(`${head(2)} button`);
  const sort = await host.view.getAttribute(head(2), "aria-sort");
  const descending = await column(host, 2);
  told("sorting: largest first", sort === "descending" && isSorted(descending.map(Number).reverse()), descending.slice(0, 5).join(" "));
  await host.view.press(`${head(2)} button`, "Enter");
  const ascending = await column(host, 2);
  told("sorting by keyboard: smallest first, focus stays", isSorted(ascending.map(Number)) && await host.view.evaluate(() => document.activeElement.textContent.startsWith("users")), ascending.slice(0, 5).join(" "));
  await host.view.click(`${head(2)} button`);
  told("sorting: the third click gives the order of the result", (await cell(host, 0, 1)) === "Egypt");
  const odd = rowsAlone([["name", "String"], ["n", "Float64"], ["user_id", "UInt64"]], [["b", 10, 1234], ["a", null, 22345], ["c", 9, 3], ["d", "1e400", 4]]);
  await host.show(odd);
  await host.view.click("#as-table");
  await host.view.click(`${head(1)} button`);
  told("sorting: text numbers by value, empty cells last", same(await column(host, 0), ["d", "b", "c", "a"]), String(await column(host, 0)));
  await host.view.click(`${head(1)} button`);
  told("sorting: empty cells last in the other direction too", same(await column(host, 0), ["c", "b", "d", "a"]), String(await column(host, 0)));
  told("ids have no separators", (await column(host, 2)).includes("22345"));
  await host.show(resultOf(null, [{ name: "n", type: "UInt64" }, { name: "t", type: "String" }], Array.from({ length: 900 }, (_, index) => [index, `${index % 3}`])));
  if (!(await host.number("#figure table"))) await host.view.click("#as-table");
  const first = await host.number("tbody tr");
  await host.view.click("#more-rows");
  told("long tables: a page of rows, more on request", first === 200 && (await host.number("tbody tr")) === 700, String(first));
}

const column = (host, index) => host.view.evaluate((at) => [...document.querySelectorAll("tbody tr")].map((row) => row.children[at].textContent.replaceAll(",", "")), index);
const isSorted = (values) => values.every((value, index) => index === 0 || values[index - 1] <= value);

async function filters(host) {
  await host.mount();
  await host.show(fifty());
  const curves = () => host.number("#figure path.curve");
  told("50 series: ten and the others", (await curves()) === 11 && (await host.text("#series summary"))[0] === "Series (11 of 51)", String(await host.text("#series summary")));
  const other = await host.text("#figure text.end");
  told("50 series: labelled at the ends", other.includes("Value 1") && other.some((text) => text.startsWith("Other (40)")), other.join("|"));
  const sums = await total(host, fifty());
  told("50 series: Other is the sum of the rest", sums, "");
  await host.view.click("#series summary");
  await host.view.fill("#series-search", "value 37");
  const visible = await host.view.evaluate(() => [...document.querySelectorAll("#series-list li")].filter((item) => !item.hidden).map((item) => item.textContent));
  told("series are found by name", same(visible, ["Value 37"]), String(visible));
  await host.view.click("#series-list li:not([hidden]) input");
  told("a chosen series is drawn", (await curves()) === 12 && (await host.text("#figure text.end")).includes("Other (39)"), String(await curves()));
  const held = await host.view.evaluate(() => document.activeElement.dataset.name);
  told("focus stays on the series", held === "Value 37", String(held));
  await host.view.click("#series-none");
  told("no series: words, no blank", (await host.look()).said === "No series is chosen.");
  await host.view.click("#series-all");
  told("all series", (await curves()) === 50, String(await curves()));
  await host.view.click("#series-top");
  told("back to the ten", (await curves()) === 11, String(await curves()));
  await host.show(BUILD.line(null, names(50), () => 0.25, { unit: "percent" }));
  told("shares are never added up", (await curves()) === 10 && (await host.look()).notices.join(" ").includes("40 more series are not drawn"), JSON.stringify((await host.look()).notices));
}

/** The tooltip's "Other" at the first day against the rows. */
async function total(host, result) {
  const rows = result.structuredContent.rows.filter((row) => row[0] === day(0)).map((row) => row[2]).sort((one, other) => other - one);
  const expected = rows.slice(10).reduce((sum, value) => sum + value, 0).toLocaleString("en-US");
  await host.view.focus("#figure svg");
  await host.view.press("#figure svg", "Home");
  return (await host.text("#tip div")).includes(`Other (40)${expected}`);
}

async function reading(host) {
  await host.mount();
  await host.show(good("line"));
  const look = await host.look();
  told("screen readers: role, name and the way to the values", (await host.view.getAttribute("#figure svg", "role")) === "img" && /A line\. line chart, 3 series, 30 places from Thu, Jan 1, 2026/.test(look.aria), look.aria);
  await host.view.focus("#figure svg");
  await host.view.press("#figure svg", "ArrowRight");
  const first = await host.text("#spoken");
  told("keyboard: the first place is spoken", first[0] === "Thu, Jan 1, 2026: Egypt 1,530, Germany 765, France 510", first[0]);
  await host.view.press("#figure svg", "End");
  told("keyboard: the last place", (await host.text("#tip b"))[0] === "Fri, Jan 30, 2026", String(await host.text("#tip b")));
  await host.view.press("#figure svg", "Escape");
  told("keyboard: escape hides", await host.view.isHidden("#tip"));
  const box = await (await host.view.$("#figure svg")).boundingBox();
  await host.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  told("pointer: the nearest place", /2026/.test((await host.text("#tip b"))[0]) && await host.view.isVisible("#tip"));
  const inside = await host.view.evaluate(() => { const tip = document.getElementById("tip").getBoundingClientRect(); return tip.left >= 0 && tip.right <= innerWidth && tip.top >= 0; });
  told("pointer: the box stays in the frame", inside);
  for (const type of ["bar", "pie", "funnel", "retention", "paths", "box", "scatter", "lifecycle", "histogram", "area", "number"]) {
    await host.show(good(type));
    await host.view.focus("#figure svg");
    await host.view.press("#figure svg", "ArrowRight");
    const spoken = (await host.text("#spoken"))[0];
    told(`keyboard in ${type}`, spoken.length > 5 && await host.view.isVisible("#tip"), spoken);
  }
  await host.show(BUILD.funnel(null, ["all"], (i) => [250, 500, 1000][i]));
  const bars = (await host.text("#figure svg text")).join("|");
  told("funnel: counts, share of the first, loss", bars.includes("500 · 50% −50%") && bars.includes("250 · 25% −50%"), bars);
  await host.show(BUILD.line(null, ["now", "before"], usual, { compared: ["before"], incomplete_from: day(28) }));
  const past = await host.view.evaluate(() => [...document.querySelectorAll("path.curve")].map((path) => [path.style.getPropertyValue("--c"), path.classList.contains("unfinished")]));
  told("compared is grey and whole, the current one ends dashed", same(past, [["var(--past)", false], ["var(--c0)", false], ["var(--c0)", true]]), JSON.stringify(past));
}

async function switching(host) {
  await host.mount();
  await host.show(good("bar"));
  for (const [type, marks] of [["line", 3], ["area", 3], ["pie", 5], ["bar", 15]]) {
    await host.view.selectOption("#type", type);
    const seen = await host.look();
    told(`a bar chart as ${type}`, seen.type === type && (type === "line" ? await host.number("path.curve") : type === "area" ? await host.number("path.band") : seen.marks) === marks, JSON.stringify(seen));
  }
  await host.show(BUILD.bar(null, ["all"], (i) => [3, 9, 1, 7, 5][i]));
  const labels = () => host.view.evaluate(() => [...document.querySelectorAll("#figure svg text[text-anchor=end]")].map((node) => node.textContent).filter((text) => text.startsWith("/")));
  await host.view.selectOption("#order", "down");
  told("bars: largest first", same(await labels(), ["/pricing", "/blog", "/login", "/", "/docs"]), String(await labels()));
  await host.view.selectOption("#order", "name");
  told("bars: by name", same(await labels(), ["/", "/blog", "/docs", "/login", "/pricing"]), String(await labels()));
  await host.show(BUILD.line(null, ["one"], (i) => 10 ** (i % 6)));
  await host.view.check("#log");
  const ticks = await host.text("#figure svg text");
  told("logarithmic scale", ["10", "1,000", "100K"].every((tick) => ticks.includes(tick)), ticks.join(" "));
}

async function plain(host) {
  await host.mount();
  const cases = [
    ["a time and a number are a line", [["day", "DateTime"], ["n", "UInt64"]], [[day(0), 1], [day(1), 4]], "line", 2],
    ["two alike numbers are two lines", [["day", "DateTime"], ["a", "UInt64"], ["b", "UInt64"]], [[day(0), 1, 2], [day(1), 4, 3]], "line", 4],
    ["names and a number are bars", [["event", "String"], ["n", "UInt64"]], [["a", 3], ["b", 5]], "bar", 2],
    ["one number stands alone", [["count()", "UInt64"]], [[12345]], "number", 1],
    ["two numbers are points", [["a", "Float64"], ["b", "Float64"]], [[1, 2], [2, 3], [3, 5]], "scatter", 3],
  ];
  for (const [name, cols, rows, type, marks] of cases) {
    await host.show(rowsAlone(cols, rows));
    const seen = await host.look();
    told(`rows alone: ${name}`, seen.type === type && seen.marks === marks, JSON.stringify(seen));
  }
  await host.show(rowsAlone([["event", "String"], ["url", "String"], ["who", "String"]], [["a", "b", "c"]]));
  told("rows alone: only names are a table", (await host.look()).table);
  await host.show(rowsAlone([["day", "DateTime"], ["users", "UInt64"], ["cents", "UInt64"]], [[day(0), 3, 900000], [day(1), 4, 800000]]));
  told("rows alone: numbers of different size are not put on one axis", (await host.look()).marks === 2 && (await host.look()).notices.join(" ").includes("differ too much"), JSON.stringify(await host.look()));
  await host.view.selectOption("#value", "2");
  told("rows alone: the other number on request", (await host.text("#figure svg text")).includes("cents"));
}

async function shapes(host) {
  await host.mount();
  await host.show(resultOf(chartOf("histogram", { x: "v", y: "v" }), [{ name: "v", type: "Float64" }], [1, 2, 2, 3, 3, 3, 9.5].map((value) => [value])));
  await host.view.focus("#figure svg");
  await host.view.press("#figure svg", "Home");
  const bins = [];
  for (let turn = 0; turn < 12; turn += 1) {
    bins.push((await host.text("#spoken"))[0]);
    await host.view.press("#figure svg", "ArrowRight");
  }
  told("histogram: how often values fall into bins", ["0 to 2: rows 1", "2 to 4: rows 5", "4 to 6: rows 0", "8 to 10: rows 1"].every((bin) => bins.includes(bin)), bins.join(" | "));
  const boxes = resultOf(chartOf("box", { x: "g", y: "v" }), [{ name: "g", type: "String" }, { name: "v", type: "Float64" }], [1, 2, 3, 4, 5, 6, 7, 8, 100].map((value) => ["a", value]));
  await host.show(boxes);
  await host.view.focus("#figure svg");
  await host.view.press("#figure svg", "Home");
  told("box: quartiles and what lies beyond", (await host.text("#spoken"))[0] === "a (9 values): highest 100, upper quartile 7, median 5, lower quartile 3, lowest 1" && (await host.number("#figure circle.point")) === 1, (await host.text("#spoken"))[0]);
  const flow = (from, to, people) => [`1_https://shop.example${from}`, `2_https://shop.example${to}`, people];
  await host.show(resultOf(chartOf("paths", { x: "a", series: "b", y: "n" }), [{ name: "a", type: "String" }, { name: "b", type: "String" }, { name: "n", type: "UInt64" }], [flow("/", "/pricing", 5), flow("", "/docs", 3)]));
  const pages = await host.text("#figure text");
  told("paths: pages of one site by their path", ["/pricing", "/docs", "/"].every((name) => pages.includes(name)) && (await host.look()).notices.includes("Pages of shop.example."), pages.join(" "));
  const wide = resultOf(chartOf("line", { x: "day", y: "value", series: "series" }), [{ name: "day", type: "Date" }, { name: "a", type: "UInt64" }], [[day(0), 1]], { truncated: true, row_count: 3 });
  wide._meta = { "posthog-mcp/chart": { columns: ["day", "series", "value"], rows: [[day(0), "a", 1], [day(1), "a", 2], [day(2), "a", 3]] } };
  await host.show(wide);
  const seen = await host.look();
  told("the chart's own rows in _meta are drawn", seen.marks === 3 && seen.notices.some((text) => text.includes("1 of 3") && text.includes("drawn from all")), JSON.stringify(seen));
  await host.view.click("#as-table");
  told("the table stays the answer's", same(await host.text("thead th"), ["day", "a"]), String(await host.text("thead th")));
}

async function wrong(host) {
  await host.mount();
  const said = async (result) => {
    await host.show(result);
    return host.look();
  };
  let seen = await said({ isError: true, content: [{ type: "text", text: "[not_found] No such event. Fix: use signed_up." }] });
  told("an error of the tool is shown", seen.said.includes("[not_found]"), seen.said);
  seen = await said({ content: [{ type: "text", text: `plain text ${PAYLOAD}` }] });
  told("no structured content: the text", seen.said.includes("plain text <img") && !seen.pwned, seen.said);
  const line = good("line");
  line.structuredContent.chart.y = "nothing";
  seen = await said(line);
  told("a column that is not there: words and the table", seen.notices.join(" ").includes("“nothing”, which the result does not have") && seen.table, JSON.stringify(seen));
  seen = await said(resultOf(chartOf("radar", { x: "day", y: "users" }), line.structuredContent.columns, line.structuredContent.rows));
  told("an unknown type: words and the table", seen.notices.join(" ").includes("radar") && seen.table, JSON.stringify(seen));
  seen = await said(resultOf(chartOf("line", { x: "day" }), line.structuredContent.columns, line.structuredContent.rows));
  told("a missing role: words and the table", seen.notices.join(" ").includes("needs y") && seen.table, JSON.stringify(seen));
  for (const broken of [{ structuredContent: null }, { structuredContent: { rows: "x" } }, { structuredContent: { columns: null, rows: [[1], { a: 2 }, "x", null] } }, { structuredContent: { chart: [], columns: [{}], rows: [[[1, { a: 2 }]]], warnings: "x", project: 3 } }, {}]) {
    seen = await said({ content: [], ...broken });
    told(`broken content ${JSON.stringify(broken).slice(0, 60)}: no blank`, seen.height > 10 && (seen.picture || seen.table || seen.said.length > 10), JSON.stringify(seen));
  }
  const cut = good("bar");
  Object.assign(cut.structuredContent, { truncated: true, row_count: 900, warnings: [{ code: "limit", message: "LIMIT 100 was added.", fix: "Pass limit." }] });
  seen = await said(cut);
  told("a cut result and its warnings are announced", seen.notices.some((text) => text.includes("15 of 900")) && seen.notices.some((text) => text === "LIMIT 100 was added. Pass limit."), JSON.stringify(seen.notices));
  await host.mount();
  await host.page.evaluate(() => window.host.cancelled("the user stopped it"));
  await host.settle();
  told("a cancelled call", (await host.look()).said === "The call was cancelled. the user stopped it");
}

const TRICKY = () => resultOf(null, [{ name: 'a "b", c', type: "String" }, { name: "=cmd", type: "String" }, { name: "n", type: "Float64" }],
  [["x,y", "=1+1", 1.5], ['say "hi"\nthere', "-5", null], ["مرحبا 👋", "@sum", true], [null, "+49 30", { a: [1] }]]);
const CSV = '"a ""b"", c",\'=cmd,n\n"x,y",\'=1+1,1.5\n"say ""hi""\nthere",-5,\nمرحبا 👋,\'@sum,true\n,\'+49 30,"{""a"":[1]}"\n';

async function files(host, context) {
  await host.mount({ capabilities: { downloadFile: {} } });
  await host.show(TRICKY());
  await host.view.click("#csv");
  await host.page.waitForFunction(() => window.host.seen.downloads.length === 1);
  const [csv] = (await host.seen()).downloads[0];
  told("CSV by ui/download-file", csv.resource.text === CSV && csv.resource.uri === "file:///result.csv" && csv.resource.mimeType === "text/csv", JSON.stringify(csv));
  const names = (await host.text("#panel-text"))[0];
  told("CSV by the host: nothing else opens", await host.view.isHidden("#panel"), names);
  await host.show(good("line"));
  await host.view.click("#png");
  await host.page.waitForFunction(() => window.host.seen.downloads.length === 2);
  const [png] = (await host.seen()).downloads[1];
  told("PNG by ui/download-file", png.resource.uri === "file:///a-line.png" && (await inked(host, png.resource.blob)), png.resource.uri);

  await host.mount({ context: { theme: "dark" } });
  await host.show(TRICKY());
  await host.view.click("#csv");
  const shown = await host.view.evaluate(() => document.getElementById("panel-area").value);
  told("CSV where downloads are forbidden: shown to copy", shown === CSV && (await host.text("#panel-text"))[0].includes("unless this host blocks downloads"), shown);
  await host.view.click("#panel-close");
  for (const type of ["line", "retention", "paths", "pie"]) {
    await host.show(good(type));
    await host.view.click("#png");
    await host.view.waitForFunction(() => !document.getElementById("panel").hidden);
    const url = await host.view.evaluate(() => document.getElementById("panel-image").src);
    told(`PNG of ${type} where downloads are forbidden: shown to save`, url.startsWith("data:image/png") && (await inked(host, url.slice(url.indexOf(",") + 1))), url.slice(0, 40));
  }

  await host.mount({ sandbox: "allow-scripts allow-same-origin allow-downloads" });
  await host.show(TRICKY());
  const [download] = await Promise.all([host.page.waitForEvent("download", { timeout: 5000 }), host.view.click("#csv")]);
  told("CSV by a link where downloads are allowed", download.suggestedFilename() === "result.csv" && readFileSync(await download.path(), "utf8") === CSV, download.suggestedFilename());

  const hogql = "SELECT '<b>' AS x\nFROM events";
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await host.show({ ...good("bar"), structuredContent: { ...good("bar").structuredContent, hogql } });
  await host.view.click("#copy-hogql");
  await host.view.waitForFunction(() => document.getElementById("copy-hogql").textContent === "Copied");
  told("HogQL is copied", (await host.page.evaluate(() => navigator.clipboard.readText())) === hogql);
  await host.view.evaluate(() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true });
    document.execCommand = () => false;
  });
  await host.view.click("#copy-hogql");
  await host.view.waitForFunction(() => !document.getElementById("panel").hidden);
  const selected = await host.view.evaluate(() => { const area = document.getElementById("panel-area"); return area.value.slice(area.selectionStart, area.selectionEnd); });
  told("HogQL where the clipboard is blocked: selected to copy", selected === hogql, selected);
}

/** A PNG that decodes and has many colours: not an empty canvas. */
function inked(host, base64) {
  return host.view.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const bytes = pen.getImageData(0, 0, image.width, image.height).data;
    const colours = new Set();
    for (let at = 0; at < bytes.length; at += 4) colours.add((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]);
    return image.width > 1000 && colours.size > 20;
  }, base64);
}

async function speed(host) {
  for (const count of [100, 10000]) {
    const rows = Array.from({ length: count }, (_, index) => [new Date(Date.UTC(2026, 0, 1) + index * 3600000).toISOString(), usual(index, 900)]);
    const result = resultOf(chartOf("line", { x: "day", y: "users" }), [{ name: "day", type: "DateTime" }, { name: "users", type: "UInt64" }], rows);
    await host.mount();
    const took = [];
    for (let turn = 0; turn < 4; turn += 1) {
      await host.view.evaluate(() => {
        const figure = document.getElementById("figure");
        figure.replaceChildren(document.createElement("p"));
        window.arrived = 0;
        const note = (event) => event.data.method === "ui/notifications/tool-result" && (window.arrived = performance.now());
        window.addEventListener("message", note, { capture: true, once: true });
        window.picture = new Promise((resolve) => new MutationObserver((_, watcher) => {
          if (!figure.querySelector("svg")) return;
          watcher.disconnect();
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
        }).observe(figure, { childList: true }));
      });
      await host.page.evaluate((given) => window.host.result(given), result);
      took.push(Math.round(await host.view.evaluate(() => window.picture.then((at) => at - window.arrived))));
    }
    console.log(`figure ${count} points, from the message to the painted picture, 1st to 4th time: ${took.join(", ")} ms`);
    told(`${count} points are drawn`, (await host.look()).marks > 0);
  }
}

export const GROUPS = { conversation, "other windows": strangers, "system theme": systemTheme, tables, filters, reading, switching, "plain rows": plain, shapes, "wrong results": wrong, files, speed };
