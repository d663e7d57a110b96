// Pieces of the page. Everything that comes from a record or a request becomes
// a text node, never markup.

// Exact is a JSON number as it was written: 1.50 and 12345678901234567890 must
// not become 1.5 and 12345678901234567000.
class Exact {
  constructor(source) { this.source = source; }
  toString() { return this.source; }
}

export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source ? new Exact(context.source) : value);
}

export function write(value, indent = "", step = "") {
  if (value instanceof Exact) return value.source;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = indent + step, gap = step ? "\n" + inner : "", end = step ? "\n" + indent : "";
  const parts = Array.isArray(value)
    ? value.map((v) => gap + write(v, inner, step))
    : Object.entries(value).map(([k, v]) => gap + JSON.stringify(k) + (step ? ": " : ":") + write(v, inner, step));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return parts.length ? open + parts.join(step ? "," : ", ") + end + close : open + close;
}

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function icon(path, size = 18) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of [["viewBox", "0 0 20 20"], ["width", size], ["height", size], ["aria-hidden", "true"]]) svg.setAttribute(name, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const number = (n) => Number(n).toLocaleString("en-US");
export const plural = (n, one, many = one + "s") => number(n) + " " + (Number(n) === 1 ? one : many);

// shift is how far the sandbox's clock is ahead of the browser's.
let shift = 0;
export function setClock(now) { shift = Date.parse(now) - Date.now(); }

export function when(at) {
  const element = h("time", { datetime: at, title: new Date(at).toLocaleString() });
  element.textContent = ago(at);
  return element;
}

export function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() + shift - Date.parse(at)) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return seconds + " s ago";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h ago";
  return Math.floor(seconds / 86400) + " d ago";
}

export function value(v) {
  if (v instanceof Exact) return h("span", { class: "v number" }, v.source);
  if (v === null) return h("span", { class: "v null" }, "null");
  if (v === undefined) return h("span", { class: "v null" }, "");
  if (typeof v === "boolean" || typeof v === "number") return h("span", { class: "v word" }, String(v));
  if (typeof v === "string" && v.trim() === "") {
    return h("span", { class: "v blank" }, v === "" ? "empty text" : plural(v.length, "blank character"));
  }
  return h("span", { class: "v text" }, typeof v === "string" ? v : write(v));
}

// keyText names a record: the values of its key.
export function keyText(key) {
  const values = Object.values(key).map((v) => (typeof v === "string" ? v : write(v)));
  return values.join(" / ") || "without a key";
}

const same = (a, b) => write(a) === write(b);

// story is the history of a record, newest first, with what changed.
export function story(record) {
  return h("ol", { class: "story" }, record.versions.map((version, i) => {
    const before = record.versions[i + 1]?.fields;
    return h("li", { class: version.what },
      h("p", { class: "what" }, h("b", null, version.what), h("span", null, "version " + version.version), h("span", null, when(version.at))),
      changes(version, before));
  }), record.more && h("li", null, h("p", { class: "soft" }, "Older versions are kept but not shown.")));
}

function changes(version, before) {
  if (version.what === "deleted") return null;
  const fields = Object.entries(version.fields ?? {});
  if (version.what === "created") {
    return fields.length === 0 ? null : h("details", null, h("summary", null, "with " + plural(fields.length, "field")),
      h("dl", { class: "diff" }, fields.map(([name, v]) => h("div", null, h("dt", null, name), h("dd", { class: "is" }, value(v))))));
  }
  const changed = fields.filter(([name, v]) => before && !(name in before && same(before[name], v)));
  return h("dl", { class: "diff" }, changed.map(([name, v]) => h("div", null, h("dt", null, name),
    name in before && h("dd", { class: "was" }, h("span", { class: "sr" }, "before: "), value(before[name])),
    h("dd", { class: "is" }, h("span", { class: "sr" }, "after: "), value(v)))));
}

export function record(r, back) {
  const fields = Object.entries(r.fields);
  return h("article", { class: "record" },
    h("a", { class: "back", href: back }, "← All records"),
    h("header", null,
      h("div", null,
        h("p", { class: "crumb" }, Object.keys(r.key).join(" / ")),
        h("h1", null, keyText(r.key)),
        h("p", { class: "chips" },
          r.deleted && h("span", { class: "chip bad" }, "deleted"),
          h("span", { class: "chip" }, "version " + r.version),
          h("span", { class: "chip" }, when(r.updated_at)))),
      h("a", { class: "quiet close", href: back, "aria-label": "Close the record" }, icon("M5 5l10 10M15 5L5 15"))),
    fields.length > 0 && h("div", { class: "panel" }, h("table", { class: "fields" }, h("caption", { class: "sr" }, r.deleted ? "Fields before it was deleted" : "Fields"),
      h("tbody", null, fields.map(([name, v]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value(v))))))),
    h("h2", null, "History"), story(r));
}
