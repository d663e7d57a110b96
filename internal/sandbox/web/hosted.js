// Hosted syncs: tools that the sandbox stands in for, their syncs and runs.
import { h, number, plural, when } from "./view.js";

const kinds = { success: "good", partial: "warn", failed: "bad", canceled: "bad", interrupted: "warn", skipped: "warn", working: "info", queued: "", unknown: "warn" };

export const toolLink = (t) => "#/t/" + encodeURIComponent(t.kind) + "/" + encodeURIComponent(t.connection);

const state = (run) => h("span", { class: "chip " + (kinds[run.state] ?? ""), title: run.state }, run.status);

// toolCard is a tool among the objects of the overview.
export function toolCard(t) {
  return h("a", { class: "card", href: toolLink(t) },
    h("h2", null, h("span", null, t.connection), t.title !== t.connection && h("span", { class: "chip" }, t.title)),
    h("p", { class: "big" }, number(t.syncs), " ", h("small", null, t.syncs === 1 ? "hosted sync" : "hosted syncs")),
    h("p", null, plural(t.runs, "run"), t.going > 0 && [" · ", t.going + " going on"], t.latest && [" · ", state(t.latest), " ", when(t.latest.created)]));
}

// workspace is everything of one tool.
export function workspace(t) {
  const runs = t.syncs.reduce((sum, s) => sum + s.counts.runs, 0);
  const syncs = [...t.syncs].sort((a, b) => newest(b) - newest(a));
  return [
    h("div", { class: "head" }, h("div", null, h("p", { class: "crumb" }, t.connection + " · " + t.title), h("h1", null, "Hosted syncs"),
      h("p", null, plural(t.syncs.length, "sync"), ", ", plural(runs, "run"), t.models.length > 0 && [", ", plural(t.models.length, "model")]))),
    syncs.length === 0 && h("div", { class: "panel empty" }, h("h2", null, "No sync was asked for yet"), h("p", null, "A sync of any id is there as soon as somebody triggers it.")),
    syncs.map((s) => sync(s, t.models)),
    t.sequences.map(sequence),
    t.models.length > 0 && h("section", { class: "panel sync" }, h("header", null, h("h2", null, "Models")),
      h("div", { class: "scroll" }, h("table", { class: "list runs" }, h("thead", null, h("tr", null, ["model", "id", "dbt node", "relation"].map((c) => h("th", { scope: "col" }, c)))),
        h("tbody", null, t.models.map((m) => h("tr", null, h("td", null, m.name), h("td", { class: "mono", "data-label": "id" }, m.id), h("td", { class: "mono", "data-label": "dbt node" }, m.unique_id ?? ""),
          h("td", { class: "mono", "data-label": "relation" }, [m.database, m.schema, m.table].filter(Boolean).join("."))))))),
    ),
  ].flat().filter(Boolean);
}

const columns = ["status", "run", "rows", "started by", "created", "took", "polls"];

const reasons = (s) => s.runs.some((r) => r.error);

const newest = (s) => Date.parse(s.runs[0]?.created ?? s.made);

function sync(s, models) {
  const model = models.find((m) => m.id === s.model);
  return h("section", { class: "panel sync" },
    h("header", null,
      h("div", null, h("h2", null, s.title, " ", h("span", { class: "mono soft" }, s.id)),
        h("p", { class: "soft" }, facts(s, model))),
      h("p", { class: "chips" },
        s.missing && h("span", { class: "chip bad" }, "missing"),
        s.disabled && h("span", { class: "chip bad" }, "disabled"),
        s.schedule && h("span", { class: "chip warn", title: "It runs without asking dbt" }, "own schedule: " + s.schedule),
        s.scripts.map((x) => h("span", { class: "chip info", title: "What the next run does" }, "next: " + told(x))))),
    s.runs.length === 0 ? h("p", { class: "none" }, "No run yet.") : h("div", { class: "scroll" }, h("table", { class: "list runs" }, h("caption", { class: "sr" }, "Runs of " + s.title + ", the newest first"),
      h("thead", null, h("tr", null, [...columns, ...(reasons(s) ? ["reason"] : [])].map((c, i) => h("th", { scope: "col", class: i > 4 && i < 7 ? "num" : null }, c)))),
      h("tbody", null, s.runs.map((r) => run(r, reasons(s)))))));
}

function facts(s, model) {
  const { triggers, cancels, lists } = s.counts;
  return [model && "from " + (model.unique_id || model.name), s.object && "into " + s.object, plural(triggers, "trigger"), cancels > 0 && plural(cancels, "cancel"), lists > 0 && plural(lists, "list")].filter(Boolean).join(" · ");
}

// told is a script in a few words.
function told(script) {
  const parts = [script.answer && "trigger " + script.answer, script.busy && "busy", script.others && plural(script.others, "other run"), script.hidden && "hidden " + script.hidden,
    script.polls && "polls " + script.polls.map((p) => p || "as usual").join(", ") + (script.stay ? " for ever" : ""), script.stages && (script.stages.filter(Boolean).join(" → ") || "at once"), script.end].filter(Boolean);
  return (parts.join(", ") || "as usual") + (script.times > 1 ? " × " + script.times : "");
}

function run(r, reason) {
  return h("tr", null,
    h("td", null, state(r)),
    h("td", { class: "mono id", title: r.id, "data-label": "run" }, r.id),
    h("td", { class: "rows", "data-label": "rows" }, rows(r)),
    h("td", { "data-label": "started by" }, r.by, r.flags?.map((f) => [" ", h("span", { class: "chip" }, f)])),
    h("td", { class: "when" }, when(r.created)),
    h("td", { class: "num", "data-label": "took" }, took(r)),
    h("td", { class: "num", "data-label": "polls" }, number(r.polls)),
    reason && h("td", { class: "why" }, r.error ?? ""));
}

// rows are a bar of those taken and refused, and the numbers.
function rows(r) {
  if (r.planned === 0) return h("span", { class: "soft" }, "none yet");
  const ok = Math.round(100 * r.ok / r.planned), failed = r.failed > 0 ? Math.max(2, Math.round(100 * r.failed / r.planned)) : 0;
  return [bar(ok, failed), h("span", null, number(r.ok), h("span", { class: "soft" }, " of " + number(r.planned))), r.failed > 0 && h("span", { class: "refused" }, number(r.failed) + " refused")];
}

function bar(ok, failed) {
  const make = (name, attributes) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    return e;
  };
  const svg = make("svg", { viewBox: "0 0 100 8", class: "bar-rows", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(make("rect", { width: 100, height: 8, class: "all" }), make("rect", { width: Math.min(ok, 100 - failed), height: 8, class: "ok" }));
  if (failed > 0) svg.append(make("rect", { x: Math.min(ok, 100 - failed), width: failed, height: 8, class: "no" }));
  return svg;
}

function took(r) {
  if (!r.ended) return r.state === "queued" ? "not begun" : "goes on";
  const seconds = Math.max(0, Date.parse(r.ended) - Date.parse(r.started ?? r.created)) / 1000;
  return seconds < 10 ? seconds.toFixed(1) + " s" : seconds < 120 ? Math.round(seconds) + " s" : Math.round(seconds / 60) + " min";
}

function sequence(q) {
  const word = (s) => h("span", { class: "chip " + ({ done: "good", failed: "bad", cancelled: "bad", running: "info" }[s] ?? "") }, s);
  return h("section", { class: "panel sync" },
    h("header", null, h("div", null, h("h2", null, "Sequence ", h("span", { class: "mono soft" }, q.id)), h("p", { class: "soft" }, "of " + q.syncs.join(", then ") + " · " + plural(q.triggers, "trigger")))),
    q.runs.length === 0 ? h("p", { class: "none" }, "No run yet.") : h("div", { class: "scroll" }, h("table", { class: "list runs" },
      h("thead", null, h("tr", null, ["status", "run", "parts", "created"].map((c) => h("th", { scope: "col" }, c)))),
      h("tbody", null, q.runs.map((r) => h("tr", null, h("td", null, word(r.status)), h("td", { class: "mono id", title: r.id, "data-label": "run" }, r.id), h("td", { class: "mono", "data-label": "parts" }, r.parts.join(", ") || "none yet"), h("td", { class: "when" }, when(r.created))))))));
}
