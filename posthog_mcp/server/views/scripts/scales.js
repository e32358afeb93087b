// SVG nodes, lengths of text, linear and logarithmic scales, and ticks at round values.

const SVG = "http://www.w3.org/2000/svg";
const BOLD = 1.1; // how much wider strong text is, at most
const ruler = document.createElement("canvas").getContext("2d");

function svg(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    if (key === "colour") node.style.setProperty("--c", `var(${value})`);
    else node.setAttribute(key, typeof value === "number" ? Math.round(value * 100) / 100 : value);
  }
  if (text !== undefined) node.textContent = text;
  return node;
}

/** A label cut to `room` pixels; the whole text is its title. */
function label(parent, text, x, y, room, attributes = {}) {
  const style = attributes.class || "";
  const node = svg("text", { x, y, ...attributes }, fitted(text, /strong/.test(style) ? room / BOLD : room, /faint/.test(style) ? 11 : 12));
  if (node.textContent !== text) node.append(svg("title", {}, text));
  parent.append(node);
  return node;
}

function textWidth(text, size = 12) {
  if (!ruler) return text.length * size * 0.6;
  ruler.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

function fitted(text, room, size = 12) {
  if (text.length < 200 && textWidth(text, size) <= room) return text;
  let low = 1, high = Math.min(text.length, Math.max(2, Math.floor(room / 3)));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (textWidth(cut(text, middle), size) <= room) low = middle;
    else high = middle - 1;
  }
  return cut(text, low);
}

/** Round steps over a range: 1, 2, 5 times a power of ten; with times of day for seconds. */
function ticksOf(low, high, count, unit, whole) {
  const span = high - low;
  if (!(span > 0)) return [low];
  let step = roundStep(span / count);
  if (unit === "seconds") step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800]
    .find((each) => span >= 5 && each >= span / count) || step;
  if (whole) step = Math.max(1, step);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9 && ticks.length < 50; index += 1) {
    ticks.push(Number((index * step).toPrecision(12)));
  }
  return ticks;
}

function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * 0.999) || 10);
}

/** A range of values with room for the marks: with zero unless the values lie far from it. */
function domainOf(values, { zero = true, unit = "count" } = {}) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return { low: 0, high: 1, fromZero: true };
  const far = !zero && low !== high && (low > 0.7 * high || high < 0.7 * low);
  if (!far) {
    low = Math.min(0, low);
    high = Math.max(0, high);
  }
  if (low === high) high = low + (unit === "percent" ? 0.1 : 1);
  const step = roundStep((high - low) / 5);
  const rounded = { low: Math.floor(low / step + 1e-9) * step, high: Math.ceil(high / step - 1e-9) * step, fromZero: !far };
  return Number.isFinite(rounded.low) && Number.isFinite(rounded.high) ? rounded : { low, high, fromZero: !far };
}

function linear(low, high, start, end) {
  const span = high - low || 1;
  return (value) => start + ((value - low) / span) * (end - start);
}

function logarithmic(low, high, start, end) {
  const scale = linear(Math.log10(low), Math.log10(high), start, end);
  return (value) => scale(Math.log10(Math.max(low, value)));
}

/** Ticks of a time axis: at the data's own times where they fit, else at round times. */
function timeTicks(times, room, locale) {
  const low = times[0], high = times[times.length - 1];
  const most = Math.max(2, Math.floor(room / 72));
  const ticks = times.length <= most ? times : roundTimes(low, high, most);
  const monthly = ticks.length > 1 && ticks.every((time) => time % DAY === 0 && new Date(time).getUTCDate() === 1);
  const yearly = monthly && ticks.every((time) => new Date(time).getUTCMonth() === 0);
  const dated = ticks.every((time) => time % DAY === 0);
  const short = ticks.some((time) => time % MINUTE !== 0);
  const clock = dateFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(short ? { second: "2-digit" } : {}) });
  const day = dateFormat(locale, monthly ? { month: "short" } : { day: "numeric", month: "short" });
  const year = dateFormat(locale, { year: "numeric" });
  let past = null;
  return ticks.map((time) => {
    const lines = yearly ? [year(time)] : dated ? [day(time)] : [clock(time)];
    const under = yearly ? "" : dated ? year(time) : day(time);
    if (under && under !== past) lines.push(under);
    past = under;
    return { at: time, lines };
  });
}

function roundTimes(low, high, most) {
  const steps = [1000, 5000, 15000, 30000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
  const step = steps.find((each) => (high - low) / each <= most);
  const ticks = [];
  if (step) {
    const first = step >= DAY ? low : Math.ceil(low / step) * step;
    for (let time = first; time <= high; time += step) ticks.push(time);
    return ticks;
  }
  const months = (high - low) / (30.44 * DAY);
  const every = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200].find((each) => months / each <= most) || 2400;
  const start = new Date(low);
  let month = start.getUTCFullYear() * 12 + start.getUTCMonth();
  month = Math.ceil(month / every) * every;
  for (; ticks.length < 100; month += every) {
    const time = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (time > high) break;
    if (time >= low) ticks.push(time);
  }
  return ticks.length ? ticks : [low, high];
}
