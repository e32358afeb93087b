// Opens Chromium and runs every group of checks.
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { Host, count, failures, told } from "./checks.mjs";
import { BAD, TYPES, good } from "./results.mjs";
import { GROUPS } from "./behaviour.mjs";
import { serve } from "./site.mjs";

const site = await serve();
const only = process.env.ONLY || "";
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const context = await browser.newContext({ viewport: { width: 800, height: 900 }, deviceScaleFactor: 1, acceptDownloads: true });
const page = await context.newPage();
page.setDefaultTimeout(10000);
const trouble = [];
page.on("pageerror", (error) => trouble.push(String(error)));
page.on("console", (message) => message.type() === "error" && !/favicon|404/.test(message.text()) && trouble.push(message.text()));
page.on("dialog", (dialog) => { trouble.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
const host = new Host(page, site, readFileSync("chart.html", "utf8"));

async function guarded(name, act) {
  if (!name.includes(only)) return;
  trouble.length = 0;
  try {
    await act();
  } catch (error) {
    told(name, false, String(error.stack || error).slice(0, 600));
  }
  told(`${name}: nothing in the console`, trouble.length === 0, trouble.slice(0, 3).join(" | "));
}

for (const type of TYPES) {
  await guarded(`good ${type}`, async () => {
    await host.mount();
    await host.show(good(type));
    const seen = await host.look();
    const drawn = type === "table" ? seen.table : seen.picture && seen.marks > 0 && seen.type === type;
    told(`good ${type}: drawn`, drawn, JSON.stringify(seen));
    told(`good ${type}: sound`, seen.broken === 0 && seen.beyond === 0 && seen.cut.length === 0, JSON.stringify(seen));
  });
  for (const [name, build] of Object.entries(BAD)) {
    await guarded(`${type} with ${name}`, async () => {
      await host.show(build(type));
      const seen = await host.look();
      told(`${type} with ${name}: a picture, a table or words`, seen.height > 20 && (seen.picture ? seen.marks > 0 || seen.notices.join(" ").includes("All values are zero") : seen.table || seen.said.length > 10), JSON.stringify(seen));
      told(`${type} with ${name}: sound`, seen.broken === 0 && seen.beyond === 0 && seen.cut.length === 0 && seen.nodes < 14000, JSON.stringify(seen));
      told(`${type} with ${name}: nothing ran`, !seen.pwned && seen.strangers === 0 && !(await page.evaluate(() => window.pwned)), JSON.stringify(seen));
    });
  }
}
for (const [name, act] of Object.entries(GROUPS)) await guarded(name, () => act(host, context));
told("no request left the page", site.strangers.length === 0, site.strangers.join(" "));
if (process.env.SHOTS) await shots();
await browser.close();
site.close();
console.log(`${count()} checks, ${failures.length} failed${failures.map((name) => `\n  ${name}`).join("")}`);
process.exitCode = failures.length ? 1 : 0;

async function shots() {
  mkdirSync("shots", { recursive: true });
  for (const theme of ["light", "dark"]) {
    await host.mount({ context: { theme, locale: "en-US" } });
    for (const type of TYPES) {
      await host.show(good(type));
      await shot(`${type}-${theme}`);
      if (theme === "dark") continue;
      for (const name of Object.keys(BAD)) {
        await host.show(BAD[name](type));
        await shot(`${type}-${name.replace(/[^a-z0-9]+/gi, "-")}`);
      }
    }
  }
}

async function shot(name) {
  await page.waitForTimeout(60);
  const frame = await page.$("#proxy");
  await frame.screenshot({ path: `shots/${name}.png` });
}
