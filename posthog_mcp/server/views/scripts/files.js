// What people take away: CSV, PNG and the HogQL. Sandboxes forbid much, so each way has one that always works.

/** All rows, unsorted. Text that a spreadsheet would run as a formula gets a leading apostrophe, as in our exports. */
function csvOf(result) {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const safe = (text) => (/^[=+\-@\t\r]/.test(text) && !NUMBER.test(text.trim()) ? `'${text}` : text);
  const cell = (value) => {
    if (value === null) return "";
    if (typeof value === "string") return quoted(safe(value));
    return quoted(typeof value === "object" ? JSON.stringify(value) : String(value));
  };
  const header = result.columns.map((column) => quoted(safe(column.name))).join(",");
  return [header, ...result.rows.map((row) => row.map(cell).join(","))].map((line) => `${line}\n`).join("");
}

function fileName(title, extension) {
  const name = title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${cut(name, 60).replace("…", "") || "result"}.${extension}`;
}

/** The picture as PNG, twice its size on screen, with all that must go with it: title, remarks, legend and source. */
async function pngOf(drawn, title, source) {
  const picture = drawn.root, box = picture.viewBox.baseVal, pad = 16, width = box.width + 2 * pad;
  const root = svg("svg", { xmlns: SVG, width, style: document.documentElement.getAttribute("style") });
  root.setAttribute("data-theme", document.documentElement.dataset.theme);
  const ground = svg("rect", { width: "100%", height: "100%" });
  ground.style.fill = "var(--bg)";
  root.append(svg("style", {}, document.querySelector("style").textContent), ground);
  let y = pad;
  const write = (text, size, attributes) => wrapped(text, box.width, size).forEach((line) => {
    y += size * 1.35;
    root.append(svg("text", { x: pad, y, "font-size": size, ...attributes }, line));
  });
  write(title, 16, { class: "strong" });
  write(drawn.said, 11, { class: "faint" });
  y = legendInto(root, drawn.keys, pad, y + 8, width - pad);
  const inner = picture.cloneNode(true);
  for (const [key, value] of Object.entries({ x: pad, y, width: box.width, height: box.height })) inner.setAttribute(key, value);
  root.append(inner);
  y += box.height + 4;
  write(source, 11, { class: "faint" });
  const height = Math.ceil(y + pad);
  root.setAttribute("height", height);
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(root))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  const scale = Math.min(2, 8000 / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const url = canvas.toDataURL("image/png");
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return { url, blob: new Blob([bytes], { type: "image/png" }) };
}

function wrapped(text, room, size) {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && textWidth(longer, size) * BOLD > room) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].filter(Boolean).slice(0, 4).map((each) => fitted(each, room / BOLD, size));
}

/** Draws the legend in rows; returns where the picture may begin. */
function legendInto(root, keys, left, top, right) {
  let x = left, y = top;
  for (const key of keys) {
    const text = fitted(cut(key.label, 40), right - left - 20), wide = textWidth(text) + 34;
    if (x > left && x + wide > right) {
      x = left;
      y += 18;
    }
    root.append(svg("rect", { x, y: y + 3, width: 10, height: 10, rx: 3, class: "mark", colour: key.colour }), svg("text", { x: x + 15, y: y + 12 }, text));
    x += wide;
  }
  return keys.length ? y + 22 : y;
}

/**
 * Hands a file over: by the host where it offers `ui/download-file`; else by a link, which a sandbox without
 * allow-downloads ignores silently. So the content is also shown, to copy or to save by the context menu.
 */
async function handOver({ name, type, text, png }, host, panel) {
  if (host.capabilities.downloadFile) {
    const resource = { uri: `file:///${encodeURIComponent(name)}`, mimeType: type, ...(png ? { blob: png.url.slice(png.url.indexOf(",") + 1) } : { text }) };
    try {
      const answer = await host.request("ui/download-file", { contents: [{ type: "resource", resource }] });
      if (!answer.isError) return panel.close();
    } catch {
      // shown below instead
    }
    return panel.show(`The host did not save ${name}. ${png ? "Save the picture from here:" : "Copy it from here:"}`, { text, image: png && png.url });
  }
  const blob = png ? png.blob : new Blob([text], { type });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const also = png ? "The picture can also be saved or copied from here:" : "The text can also be copied from here:";
  return panel.show(`Saved as ${name}, unless this host blocks downloads. ${also}`, { text, image: png && png.url });
}

/** True where the clipboard took it; the old way needs no permission, only the click. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { readonly: "true", class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      done = false;
    }
    area.remove();
    return done;
  }
}
