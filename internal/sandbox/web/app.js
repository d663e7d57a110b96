// The page's state: what the address says, what the sandbox says, once a second.
import { h, icon, number, plural, setClock, when, ago, value, keyText, record, parse } from "./view.js";
import { call, bodies, filters } from "./requests.js";
import { toolCard, toolLink, workspace } from "./hosted.js";

const byId = (id) => document.getElementById(id);
const state = { overview: null, rows: [], next: "", query: "", opened: new Map(), seen: new Map(), list: "", token: 0, filter: { connection: "", status: "", fault: "" }, requests: null };

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error("status " + response.status);
  return parse(await response.text());
}

// route reads the address: #/, #/requests[/NUMBER], #/o/CONNECTION/OBJECT[/ID],
// #/t/KIND/CONNECTION.
function route() {
  const [kind, connection, object, id] = location.hash.replace(/^#\/?/, "").split("/").map(decode);
  return { kind: kind === "o" && object ? "object" : kind === "t" && object ? "tool" : kind === "requests" ? "requests" : "overview", connection, object, id };
}

function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

const objectPath = (o) => encodeURIComponent(o.connection) + "/" + encodeURIComponent(o.object);
const objectLink = (o) => "#/o/" + objectPath(o);

function side() {
  const r = route(), groups = Map.groupBy(state.overview.objects, (o) => o.connection);
  const title = (o) => h("h2", null, o.name, o.service && h("span", { class: "service" }, o.service));
  const link = (href, text, count, current) => h("li", null, h("a", { href, "aria-current": current ? "page" : null, title: text }, h("span", null, text), count));
  const n = (count) => h("span", { class: "n" }, number(count));
  byId("side").replaceChildren(
    h("ul", null, link("#/", "Overview", null, r.kind === "overview"), link("#/requests", "Requests", n(state.overview.revision), r.kind === "requests")),
    ...[...groups].flatMap(([connection, objects]) => [title(objects[0]), h("ul", null, objects.map((o) =>
      link(objectLink(o), o.object, n(o.records), r.kind === "object" && r.connection === o.connection && r.object === o.object)))]),
    ...state.overview.hosted.flatMap((t) => [h("h2", null, t.connection, t.title !== t.connection && h("span", { class: "service" }, t.title)),
      h("ul", null, link(toolLink(t), t.connection + " syncs", n(t.runs), r.kind === "tool" && r.connection === t.kind && r.object === t.connection))]));
  byId("side").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

const percent = (rate) => " " + Math.round(rate * 10000) / 100 + "%";

function notice() {
  const { rules, seed, strict } = state.overview;
  const scope = (r) => [r.connection, r.object].filter(Boolean).join(".");
  return [
    rules.length > 0 && h("p", { class: "notice" }, h("b", null, "This sandbox fails on purpose:"),
      rules.map((r) => h("span", { class: "chip warn" }, r.kind + (r.rate ? percent(r.rate) : "") + (scope(r) ? " of " + scope(r) : ""))),
      h("span", null, "seed " + seed)),
    strict && h("p", { class: "notice calm" }, h("b", null, "Strict:"), "fields that nobody declared are refused."),
  ].filter(Boolean);
}

const command = (title, text, line) => h("div", { class: "panel empty" }, h("h2", null, title), h("p", null, text), line && h("code", null, line));

function overview() {
  const { objects, hosted, requests } = state.overview;
  const records = objects.reduce((sum, o) => sum + Number(o.records), 0);
  const places = plural(objects.length, "object") + " in " + plural(new Set(objects.map((o) => o.connection)).size, "connection");
  const parts = [h("div", { class: "head" }, h("div", null, h("h1", null, "What arrived"),
    h("p", null, [objects.length && plural(records, "record") + ", " + places, hosted.length && plural(hosted.reduce((sum, t) => sum + t.runs, 0), "run") + " of hosted syncs"].filter(Boolean).join("; ") || "The sandbox is ready.")))];
  if (objects.length + hosted.length === 0) parts.push(command("Nothing has arrived yet", "Send your exports to this sandbox with a target that says so.", "exposync run --target dev"));
  parts.push(h("div", { class: "cards" }, objects.map((o) => h("a", { class: "card", href: objectLink(o) },
    h("h2", null, h("span", null, o.name), o.object, o.service && h("span", { class: "chip" }, o.service)),
    h("p", { class: "big" }, number(o.records), " ", h("small", null, Number(o.records) === 1 ? "record" : "records")),
    h("p", null, Number(o.deleted) > 0 && number(o.deleted) + " deleted · ", plural(o.versions, "version"), " · ", when(o.updated_at)))), hosted.map(toolCard)));
  if (requests.length > 0) {
    parts.push(h("div", { class: "section" }, h("h2", null, "Latest requests"), h("a", { href: "#/requests" }, "All requests")), calls(requests.slice(0, 8)));
  }
  byId("main").replaceChildren(...notice(), ...parts);
}

// requests reads the list anew, as much of it as is shown, with what was chosen.
async function requests() {
  const shown = state.requests && state.requests.key === filterText() ? state.requests.list.requests.length : 0;
  const wanted = route().connection;
  const list = await getRequests(Math.min(2000, Math.max(100, shown)), 0);
  if (route().kind !== "requests") return;
  state.requests = { key: filterText(), list };
  drawRequests();
  const item = wanted && document.querySelector('[data-number="' + CSS.escape(wanted) + '"]');
  if (item && !state.opened.has(wanted)) {
    await toggle(item);
    item.scrollIntoView({ block: "center" });
  }
}

const filterText = () => new URLSearchParams(Object.entries(state.filter).filter(([, v]) => v)).toString();

async function getRequests(limit, before) {
  return (await fetch("/_/requests?limit=" + limit + (before ? "&before=" + before : "") + "&" + filterText())).json();
}

function drawRequests() {
  const { list } = state.requests, filtered = filterText() !== "";
  const kept = list.kept < list.count ? "; the last " + number(list.kept) + " are kept" : "";
  byId("main").replaceChildren(...notice(), h("div", { class: "head" }, h("div", null, h("h1", null, "Requests"),
    h("p", null, plural(list.count, "request") + " since the sandbox started" + kept))),
  ...(list.count ? [filters(list, state.filter, pick)] : []),
  list.requests.length ? calls(list.requests, list.next && older)
    : list.count ? h("div", { class: "panel empty" }, h("h2", null, "None of these"), h("p", null, filtered ? "No request that is kept fits what you chose." : ""))
      : command("No requests yet", "Every request and its reply is listed here as it comes in."));
}

async function pick(name, value) {
  if (name) state.filter[name] = value; else state.filter = { connection: "", status: "", fault: "" };
  await requests();
  document.querySelector('[data-filter="' + (name ?? "connection") + '"]')?.focus();
}

async function older() {
  const next = await getRequests(100, state.requests.list.next);
  state.requests.list.requests.push(...next.requests);
  state.requests.list.next = next.next;
  drawRequests();
}

function calls(list, more) {
  const items = list.map((c) => { // those that were opened stay open
    const item = call(c, toggle);
    if (state.opened.has(String(c.number))) show(item, state.opened.get(String(c.number)));
    return item;
  });
  return h("div", { class: "panel" }, h("ol", { class: "calls" }, items), more && h("button", { class: "more", type: "button", onclick: more }, "Show older"));
}

function show(item, full) {
  item.append(bodies(full));
  item.firstChild.setAttribute("aria-expanded", "true");
}

async function toggle(item) {
  const key = item.dataset.number;
  if (state.opened.delete(key)) {
    item.lastChild.remove();
    item.firstChild.setAttribute("aria-expanded", "false");
    return;
  }
  try {
    const full = await (await fetch("/_/requests/" + key)).json();
    state.opened.set(key, full);
    show(item, full);
  } catch {
    item.firstChild.disabled = true; // no longer kept
  }
}

function columns(rows) {
  const keys = new Set(), fields = new Map();
  for (const r of rows) {
    for (const k of Object.keys(r.key)) keys.add(k);
    for (const k of Object.keys(r.fields)) fields.set(k, (fields.get(k) ?? 0) + 1);
  }
  const common = [...fields].sort((a, b) => b[1] - a[1]).map(([name]) => name); // rare fields last
  return { keys: [...keys], fields: common.slice(0, 12) };
}

function row(r, cols, current, fresh) {
  const href = objectLink(current) + "/" + r.id;
  return h("tr", { class: [r.deleted && "gone", fresh && "fresh"].filter(Boolean).join(" ") || null, "aria-selected": String(r.id === current.id), onclick: (e) => e.target.closest("a") || (location.hash = href) },
    h("td", null, h("a", { href, class: "mono" }, keyText(r.key)), r.deleted && [" ", h("span", { class: "chip bad" }, "deleted")]),
    h("td", { class: "when" }, when(r.updated_at)),
    h("td", { class: "num" }, "v" + r.version),
    cols.fields.map((name, i) => h("td", { "data-label": name, class: [i > 2 && "extra", r.fields[name] === undefined && "none"].filter(Boolean).join(" ") || null }, value(r.fields[name]))));
}

const url = (r, after, limit) => "/_/data/" + objectPath(r) + "/records?order=recent&deleted=true&limit=" + limit +
  "&q=" + encodeURIComponent(state.query) + (after ? "&after=" + after : "");

// load reads the list anew, as much of it as is shown.
async function load() {
  const r = route(), key = objectPath(r) + "?" + state.query, token = ++state.token;
  const page = await get(url(r, "", Math.min(1000, Math.max(100, state.list === key ? state.rows.length : 0))));
  if (token !== state.token) return;
  state.fresh = state.list === key ? new Set(page.records.filter((x) => state.seen.get(x.id) !== String(x.version)).map((x) => x.id)) : new Set();
  Object.assign(state, { rows: page.records, next: page.next, list: key });
  remember();
  table();
}

function remember() {
  state.seen = new Map(state.rows.map((x) => [x.id, String(x.version)]));
}

async function more() {
  const page = await get(url(route(), state.next, 100));
  const known = new Set(state.rows.map((x) => x.id));
  state.rows.push(...page.records.filter((x) => !known.has(x.id)));
  state.next = page.next;
  remember();
  table();
}

// object draws the frame of an object once, so that the search keeps its focus.
function object() {
  const r = route(), summary = state.overview.objects.find((o) => o.connection === r.connection && o.object === r.object);
  const main = byId("main");
  if (main.dataset.object !== objectPath(r)) {
    main.dataset.object = objectPath(r);
    Object.assign(state, { rows: [], next: "", query: "", list: "" });
    const input = h("input", { type: "search", id: "search", placeholder: "Search all values", "aria-label": "Search records", autocomplete: "off", spellcheck: "false", oninput: later(() => { state.query = input.value; load(); }) });
    main.replaceChildren(h("div", { class: "head" }, h("div", null, h("p", { class: "crumb" }, summary ? [summary.name, summary.service && " · " + summary.service] : r.connection), h("h1", null, r.object), h("p", { id: "facts" })),
      h("label", { class: "search" }, icon("M9 14a5 5 0 1 0 0-10 5 5 0 0 0 0 10zm3.6-1.4L17 17"), input)), h("div", { id: "rows", class: "panel" }));
  }
  byId("facts").replaceChildren(...(summary ? [plural(summary.records, "record"), Number(summary.deleted) > 0 ? ", " + number(summary.deleted) + " deleted" : "", " · ", plural(summary.versions, "version"), " · ", when(summary.updated_at)] : ["Nothing has arrived here."]));
  return load();
}

function table() {
  const rows = byId("rows"), r = route();
  if (!rows) return;
  if (state.rows.length === 0) {
    rows.replaceChildren(h("div", { class: "empty" }, h("h2", null, state.query ? "No record has this text" : "No records"), state.next && h("button", { class: "more", type: "button", onclick: more }, "Search further")));
    return;
  }
  const cols = columns(state.rows);
  rows.replaceChildren(h("div", { class: "scroll" }, h("table", { class: "list" }, h("caption", { class: "sr" }, "Records, the newest change first"),
    h("thead", null, h("tr", null, [cols.keys.join(" / ") || "record", "changed", "version", ...cols.fields].map((c) => h("th", { scope: "col" }, c)))),
    h("tbody", null, state.rows.map((x) => row(x, cols, r, state.fresh?.has(x.id)))))),
  ...(state.next ? [h("button", { class: "more", type: "button", onclick: more }, "Show more")] : []));
}

async function tool() {
  const r = route(), { workspaces } = await (await fetch("/_/hosted")).json();
  if (route().kind !== "tool") return;
  const t = workspaces.find((w) => w.kind === r.connection && w.connection === r.object);
  byId("main").replaceChildren(...notice(), ...(t ? workspace(t) : [command("Nothing here", "This sandbox was not asked for this tool.")]));
}

async function inspect() {
  const r = route(), panel = byId("inspector");
  byId("shell").classList.toggle("open", Boolean(r.id));
  panel.hidden = !r.id;
  if (!r.id) return;
  try {
    const full = await get("/_/data/" + objectPath(r) + "/records/" + encodeURIComponent(r.id));
    if (route().id !== r.id) return;
    const unfolded = panel.dataset.id === r.id && panel.querySelector("details[open]");
    panel.replaceChildren(record(full, objectLink(r)));
    panel.dataset.id = r.id;
    if (unfolded) panel.querySelectorAll("details").forEach((d) => { d.open = true; });
  } catch {
    panel.replaceChildren(h("a", { class: "back", href: objectLink(r) }, "← All records"), h("p", { class: "empty" }, "This record is not there any more."));
  }
  for (const tr of document.querySelectorAll(".list tbody tr")) tr.setAttribute("aria-selected", String(tr.querySelector("a").hash.endsWith(r.id)));
}

// keepFocus finds what had the focus before everything was drawn anew.
function keepFocus() {
  const had = document.activeElement, href = had?.getAttribute?.("href"), number = had?.closest?.("[data-number]")?.dataset.number;
  return () => {
    if (!had || document.contains(had)) return;
    const again = number ? document.querySelector('[data-number="' + CSS.escape(number) + '"] button') : href && document.querySelector('[href="' + CSS.escape(href) + '"]');
    again?.focus({ preventScroll: true });
  };
}

async function render() {
  const r = route(), refocus = keepFocus();
  document.title = (r.kind === "tool" ? r.object + " · " : r.object ? r.connection.replace(/^_[^:]*:/, "") + "." + r.object + " · " : "") + "Exposync sandbox";
  side();
  if (r.kind !== "object") delete byId("main").dataset.object;
  if (r.kind === "overview") overview();
  else if (r.kind === "requests") await requests();
  else if (r.kind === "tool") await tool();
  else await object();
  await inspect();
  refocus();
}

function live(on) {
  const element = byId("live"), word = on ? "live" : "not running";
  element.className = "live " + (on ? "on" : "off");
  if (element.lastChild.textContent !== word) element.lastChild.textContent = word;
}

const print = (o) => JSON.stringify([o.revision, o.objects, o.hosted, o.rules, o.seed, o.strict]);

async function poll() {
  if (!document.hidden) {
    try {
      const next = await (await fetch("/_/overview")).json();
      setClock(next.now);
      const changed = !state.overview || print(next) !== print(state.overview);
      state.overview = next;
      live(true);
      if (changed) await render();
      for (const t of document.querySelectorAll("time")) t.textContent = ago(t.dateTime);
    } catch {
      live(false);
    }
  }
  setTimeout(poll, 1000);
}

function later(act) {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(act, 150); };
}

function theme(next) {
  const root = document.documentElement;
  if (next) root.dataset.theme = next; else delete root.dataset.theme;
  byId("theme").setAttribute("aria-label", "Colours: " + (next || "as the system"));
  byId("theme").title = "Colours: " + (next || "as the system");
  try { localStorage.setItem("theme", next); } catch { /* private windows */ }
}

byId("theme").addEventListener("click", () => theme({ "": "dark", dark: "light", light: "" }[document.documentElement.dataset.theme ?? ""]));
try { theme(localStorage.getItem("theme") ?? ""); } catch { theme(""); }
addEventListener("hashchange", () => { if (state.overview) render().catch(() => live(false)); });
addEventListener("keydown", (e) => {
  if (e.key === "/" && byId("search") && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { e.preventDefault(); byId("search").focus(); }
  if (e.key === "Escape" && route().id) location.hash = objectLink(route());
});
poll();
