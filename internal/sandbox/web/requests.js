// Requests and their replies: lists, filters, and bodies that people can read.
import { h, number, plural, when } from "./view.js";

// counts are chips with what became of a batch's records.
function counts(call) {
  const kinds = { created: "good", appended: "good", updated: "info", deleted: "warn", unchanged: "", rejected: "bad" };
  return Object.entries(kinds).filter(([name]) => call.results?.[name])
    .map(([name, kind]) => h("span", { class: "chip " + kind }, number(call.results[name]) + " " + name));
}

export const statusText = (status) => (status === 0 ? "closed" : String(status));

export function call(c, open) {
  const good = c.status >= 200 && c.status < 300;
  const item = h("li", { "data-number": c.number },
    h("button", { class: "call", type: "button", "aria-expanded": "false", onclick: () => open(item) },
      h("span", { class: "chip " + (good ? "good" : "bad"), title: c.status === 0 ? "the connection was closed without a reply" : null }, statusText(c.status)),
      h("span", { class: "method" }, c.method),
      h("span", { class: "path" }, c.kind && h("span", { class: "of" }, c.connection), breakable(c.path), c.fault && [" ", h("span", { class: "chip warn" }, "fault: " + c.fault)]),
      h("span", { class: "counts" }, counts(c)),
      h("span", { class: "took" }, c.took_ms < 10 ? c.took_ms.toFixed(1) + " ms" : number(Math.round(c.took_ms)) + " ms"),
      h("span", { class: "when" }, when(c.at))));
  return item;
}

// breakable lets a long path break behind its slashes.
const breakable = (path) => path.split(/(?<=[/?&])/).flatMap((part) => [part, h("wbr")]);

export function bodies(c) {
  const side = (title, kind, headers, text, cut) => h("figure", null,
    h("figcaption", null, h("b", null, title), kind && h("span", null, kind.split(";")[0])),
    headers?.length > 0 && h("dl", { class: "headers" }, headers.map(([name, v]) => h("div", null, h("dt", null, name), h("dd", null, v)))),
    body(text ?? "", kind ?? "", cut),
    cut && h("p", { class: "soft" }, "Only the start is kept."));
  return h("div", { class: "bodies" },
    side("Request" + (c.bytes ? ", " + number(c.bytes) + " bytes" : ""), c.bytes ? c.request_type : "", null, c.request, c.request_cut),
    side(c.status === 0 ? "No reply" : "Reply " + c.status, c.response_type, c.response_headers, c.response, c.response_cut));
}

function body(text, kind, cut) {
  if (!text) return h("p", { class: "soft" }, "No body.");
  const start = text.trimStart()[0];
  if (/csv/.test(kind)) return csv(text, cut);
  if (/x-www-form-urlencoded/.test(kind)) return form(text);
  const jsonish = /json/.test(kind) || start === "{" || start === "[";
  return h("pre", { tabindex: "0" }, jsonish ? json(text) : text);
}

function form(text) {
  const pairs = [...new URLSearchParams(text)];
  return h("table", { class: "fields form" }, h("tbody", null, pairs.map(([name, v]) => h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "v text" }, v)))));
}

// csv is a table of the first rows. The last row of a text that was cut may be
// half a row: it is left out.
function csv(text, cut) {
  const rows = split(text);
  if (cut && rows.length > 1) rows.pop();
  const [head, ...rest] = rows, most = 50;
  if (!head) return h("pre", null, text);
  return h("div", { class: "scroll csv", tabindex: "0" }, h("table", null,
    h("thead", null, h("tr", null, head.map((c) => h("th", { scope: "col" }, c)))),
    h("tbody", null, rest.slice(0, most).map((row) => h("tr", null, row.map((c) => h("td", { class: "v" }, c)))))),
  rest.length > most && h("p", { class: "soft" }, plural(rest.length - most, "more row") + " in what is kept."));
}

function split(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  const delimiter = [",", ";", "\t", "|", "^"].find((d) => text.slice(0, text.search(/\r?\n|$/)).includes(d)) ?? ",";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += '"'; i++; }
      else quoted = false;
    } else if (c === '"' && cell === "") quoted = true;
    else if (c === delimiter || c === "\n") {
      rows.at(-1).push(cell.replace(/\r$/, ""));
      cell = "";
      if (c === "\n" && i < text.length - 1) rows.push([]);
    } else cell += c;
  }
  if (cell !== "" || rows.at(-1).length > 0 && text.at(-1) !== "\n") rows.at(-1).push(cell);
  return rows.filter((r) => r.length > 0);
}

// json indents a text as it stands, so that numbers keep their digits and the
// start of a text that was cut is readable, too.
function json(text) {
  const out = [];
  let depth = 0, gap = "";
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s"{}[\],:]+/gs);
  let previous = "", line = "";
  const put = (s, kind) => {
    line += gap;
    if (kind) {
      out.push(line, h("span", { class: kind }, s));
      line = "";
    } else line += s;
    gap = "";
  };
  const all = [...tokens].map((m) => m[0]);
  all.forEach((token, i) => {
    const closing = token === "}" || token === "]";
    if (closing) {
      depth = Math.max(0, depth - 1);
      gap = previous === "{" || previous === "[" ? "" : "\n" + "  ".repeat(depth);
      put(token);
    } else if (token === "{" || token === "[") {
      if (depth === 0 && previous) gap = "\n"; // one document a line
      put(token);
      depth++;
      gap = "\n" + "  ".repeat(depth);
    } else if (token === ",") {
      gap = "";
      put(",");
      gap = "\n" + "  ".repeat(depth);
    } else if (token === ":") {
      gap = "";
      put(":");
      gap = " ";
    } else put(token, all[i + 1] === ":" ? "k" : token[0] === '"' ? "s" : "n");
    previous = token;
  });
  out.push(line);
  return out;
}

// filters is the bar above the list. pick gets the name of a filter and what
// was chosen.
export function filters(list, chosen, pick) {
  const select = (name, label, options) => h("label", { class: "filter" }, h("span", null, label),
    h("select", { onchange: (e) => pick(name, e.target.value), "data-filter": name },
      [["", "all"], ...options].map(([v, text]) => h("option", { value: v, selected: chosen[name] === v }, text))));
  const classes = [...new Set(list.statuses.filter((s) => s > 0).map((s) => Math.floor(s / 100)))];
  return h("div", { class: "filters" },
    select("connection", "Connection", list.connections.map((c) => [c, c])),
    select("status", "Status", [...classes.map((c) => [String(c), c + "xx"]), ...list.statuses.map((s) => [String(s), statusText(s)])]),
    select("fault", "Fault", list.faults.length ? [["any", "any fault"], ...list.faults.map((f) => [f, f])] : []),
    Object.values(chosen).some(Boolean) && h("button", { class: "clear", type: "button", onclick: () => pick() }, "Clear"));
}
