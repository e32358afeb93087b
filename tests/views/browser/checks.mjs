// Saying what passed, and looking into the page.

export const failures = [];
let made = 0;

export function told(name, passed, detail = "") {
  made += 1;
  console.log(passed ? "ok    " : "FAILED", name, passed ? "" : detail);
  if (!passed) failures.push(name);
}

export const count = () => made;

export class Host {
  constructor(page, site, html) {
    Object.assign(this, { page, site, html });
  }

  async mount(options = {}) {
    const arguments_ = { html: this.html, proxy: this.site.proxy, sandbox: "allow-scripts allow-same-origin allow-forms", capabilities: {}, context: { theme: "light", locale: "en-US" }, ...options };
    await this.page.goto(this.site.host);
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("the page did not say that it is initialised")), 10000).unref());
    await Promise.race([this.page.evaluate((given) => window.host.mount(given), arguments_), late]);
    await this.page.evaluate(() => window.host.input({ query: "SELECT 1" }));
    this.view = this.page.frames().find((frame) => frame.parentFrame() && frame.parentFrame().parentFrame());
  }

  /** Sends a result and waits until two frames were painted. */
  async show(result) {
    await this.view.evaluate(() => (document.getElementById("figure").firstElementChild.dataset.old = "1"));
    await this.page.evaluate((given) => window.host.result(given), result);
    await this.view.waitForFunction(() => !document.querySelector("#figure > [data-old]"), null, { polling: 10 });
    await this.settle();
  }

  settle() {
    return this.view.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  async seen() {
    return this.page.evaluate(() => window.host.seen);
  }

  text(selector) {
    return this.view.evaluate((given) => [...document.querySelectorAll(given)].map((node) => node.textContent), selector);
  }

  number(selector) {
    return this.view.evaluate((given) => document.querySelectorAll(given).length, selector);
  }

  /** What stands in the figure: kind, marks, and whether any number in the picture's geometry is broken. */
  look() {
    return this.view.evaluate(() => {
      const figure = document.getElementById("figure"), picture = figure.querySelector("svg");
      const broken = [...figure.querySelectorAll("svg *")].filter((node) => [...node.attributes].some((each) => /NaN|Infinity|undefined/.test(each.value))).length;
      const box = picture && picture.viewBox.baseVal;
      const beyond = picture ? [...picture.querySelectorAll("rect, circle")].filter((node) => {
        const at = node.getBBox();
        return at.x < -1.5 || at.y < -1.5 || at.x + at.width > box.width + 1.5 || at.y + at.height > box.height + 1.5;
      }).length : 0;
      const cut = picture ? [...picture.querySelectorAll("text")].filter((node) => {
        const at = node.getBBox();
        return at.x < -2 || at.x + at.width > box.width + 2;
      }).map((node) => node.textContent) : [];
      return {
        picture: Boolean(picture), table: Boolean(figure.querySelector("table")), said: figure.textContent.trim().slice(0, 200), broken, beyond, cut,
        marks: picture ? Number(picture.dataset.marks) : 0, type: picture ? picture.dataset.type : "", nodes: figure.querySelectorAll("*").length,
        notices: [...document.querySelectorAll("#notices .notice")].map((node) => node.textContent), title: document.getElementById("title").textContent,
        aria: picture ? picture.getAttribute("aria-label") : "", pwned: Boolean(window.pwned), strangers: document.querySelectorAll("script:not(:last-of-type), img:not(#panel-image), iframe, object, embed").length,
        height: figure.getBoundingClientRect().height,
      };
    });
  }
}
