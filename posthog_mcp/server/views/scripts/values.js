// Cells as numbers, times and text, and how each of them is written.

const LARGEST = 1e300; // the difference of two larger numbers would be infinite
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const TIME = /^(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?)?$/;
const REORDERING = /[\u202a-\u202e\u2066-\u2069\u0000-\u001f\u007f]+/g;
const MINUTE = 60000, HOUR = 3600000, DAY = 86400000;
const graphemes = typeof Intl.Segmenter === "function" ? new Intl.Segmenter() : null;

/** A finite number, also from text (Decimals and large integers arrive as text); otherwise null. */
function numberOf(cell) {
  const value = typeof cell === "string" && NUMBER.test(cell.trim()) ? Number(cell) : cell;
  if (typeof value !== "number" || Number.isNaN(value)) return null;
  if (Math.abs(value) === Infinity && typeof cell === "number") return null;
  return Math.max(-LARGEST, Math.min(LARGEST, value));
}

/** Milliseconds of the wall clock that the text shows: the server writes times in the project's zone, so no shifting. */
function timeOf(cell) {
  const found = typeof cell === "string" && TIME.exec(cell);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, fraction] = found;
  const time = Date.UTC(+year, month - 1, +(day || 1), +(hour || 0), +(minute || 0), +(second || 0));
  return time + Number(`0.${fraction || 0}`) * 1000;
}

/** Any cell as text on one line, without characters that reorder what stands around it. */
function textOf(cell) {
  if (cell === null || cell === undefined) return "";
  const text = typeof cell === "object" ? JSON.stringify(cell) : String(cell);
  return text.replace(REORDERING, " ");
}

function nameOf(cell) {
  const text = textOf(cell);
  return text.trim() === "" ? (cell === "" ? "(empty)" : cell === null || cell === undefined ? "(none)" : "(blank)") : text;
}

/** The first `count` characters as people count them: an emoji or an accented letter is never cut in two. */
function cut(text, count) {
  if (text.length <= count) return text;
  const letters = graphemes ? Array.from(graphemes.segment(text.slice(0, count * 8)), (part) => part.segment) : Array.from(text);
  return letters.length <= count ? text : `${letters.slice(0, Math.max(1, count - 1)).join("")}…`;
}

function numberFormat(locale, options) {
  try {
    return new Intl.NumberFormat(locale || undefined, options);
  } catch {
    return new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 }); // an unknown locale or currency
  }
}

/** `full` for tooltips and tables, `short` for axes and labels. */
function valueFormat(unit, currency, locale) {
  const exact = numberFormat(locale, { maximumFractionDigits: 2 });
  const small = numberFormat(locale, { maximumSignificantDigits: 3 });
  const compact = numberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
  const scientific = numberFormat(locale, { notation: "scientific", maximumSignificantDigits: 3 });
  const plain = (value) => {
    const size = Math.abs(value);
    return size >= 1e15 ? scientific.format(value) : size > 0 && size < 0.01 ? small.format(value) : exact.format(value);
  };
  const brief = (value) => (Math.abs(value) >= 1e15 || Math.abs(value) < 10000 ? plain(value) : compact.format(value));
  if (unit === "percent") {
    const percent = numberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    const fine = numberFormat(locale, { style: "percent", maximumSignificantDigits: 2 });
    const format = (value) => {
      if (Math.abs(value) >= 1e13) return `${scientific.format(value * 100)}%`;
      return value !== 0 && Math.abs(value) < 0.001 ? fine.format(value) : percent.format(value);
    };
    return { full: format, short: format };
  }
  if (unit === "currency" && /^[A-Z]{3}$/i.test(currency || "")) {
    const money = numberFormat(locale, { style: "currency", currency, minimumFractionDigits: 0, maximumFractionDigits: 2 });
    const brief = numberFormat(locale, { style: "currency", currency, notation: "compact", maximumSignificantDigits: 3 });
    const huge = numberFormat(locale, { style: "currency", currency, notation: "scientific", maximumSignificantDigits: 3 });
    const tiny = numberFormat(locale, { style: "currency", currency, maximumSignificantDigits: 2 });
    const write = (format) => (value) => {
      const size = Math.abs(value);
      return (size >= 1e15 ? huge : size > 0 && size < 0.005 ? tiny : format).format(value);
    };
    return { full: write(money), short: (value) => write(Math.abs(value) >= 10000 ? brief : money)(value) };
  }
  if (unit === "seconds") return { full: duration, short: duration };
  if (unit === "milliseconds") {
    const format = (value) => (Math.abs(value) >= 1000 ? duration(value / 1000) : `${plain(value)} ms`);
    return { full: format, short: format };
  }
  if (unit === "bytes") {
    const format = (value) => {
      const power = value === 0 ? 0 : Math.max(0, Math.min(5, Math.floor(Math.log10(Math.abs(value)) / 3)));
      return `${plain(value / 1000 ** power)} ${["B", "kB", "MB", "GB", "TB", "PB"][power]}`;
    };
    return { full: format, short: format };
  }
  return { full: plain, short: brief };

  function duration(seconds) {
    const size = Math.abs(seconds);
    const sign = seconds < 0 ? "−" : "";
    if (size < 60) return `${sign}${plain(size)} s`;
    const parts = size < 3600 ? [[60, "min"], [1, "s"]] : size < 86400 ? [[3600, "h"], [60, "min"]] : [[86400, "d"], [3600, "h"]];
    const [[large, one], [little, other]] = parts;
    const rest = Math.floor((size % large) / little);
    return `${sign}${plain(Math.floor(size / large))} ${one}${rest ? ` ${rest} ${other}` : ""}`;
  }
}

/** Writes times of these values: hours only where one of them is not midnight. */
function timeFormat(times, locale) {
  const dated = times.every((time) => time % DAY === 0);
  const monthly = dated && times.length > 1 && times.every((time) => new Date(time).getUTCDate() === 1);
  const seconds = times.some((time) => time % MINUTE !== 0);
  const options = monthly
    ? { month: "long", year: "numeric" }
    : { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const clock = dated ? {} : { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(seconds ? { second: "2-digit" } : {}) };
  return dateFormat(locale, { ...options, ...clock });
}

function dateFormat(locale, options) {
  let format;
  try {
    format = new Intl.DateTimeFormat(locale || undefined, { ...options, timeZone: "UTC" });
  } catch {
    format = new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" });
  }
  return (time) => format.format(time);
}
