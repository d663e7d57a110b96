// Everything can be read without this script. It filters, copies, and shows
// what is known of a node beside the picture instead of further down.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const root = document.documentElement;

  // colours: as the system, light, dark
  const theme = byId("theme"), themes = ["", "light", "dark"], names = ["as the system", "light", "dark"];
  let chosen = 0;
  const paint = () => {
    if (themes[chosen]) root.dataset.theme = themes[chosen]; else delete root.dataset.theme;
    theme.setAttribute("aria-label", "Colours: " + names[chosen]);
    theme.title = "Colours: " + names[chosen];
  };
  theme.hidden = false;
  theme.addEventListener("click", () => { chosen = (chosen + 1) % 3; paint(); });
  paint();

  // findings
  const form = byId("filters");
  if (form) {
    form.hidden = false;
    const groups = all(".group").map((el) => ({ el, rule: el.dataset.rule, more: el.querySelector(".more"),
      items: all(".finding", el).map((item) => ({ item, text: item.textContent.toLowerCase() + " " + el.querySelector("h3").textContent.toLowerCase() })) }));
    const search = byId("search"), rule = byId("by-rule"), owner = byId("by-owner"), fresh = byId("by-new");
    const apply = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const narrowed = words.length > 0 || rule.value || owner?.value || fresh?.checked;
      let shown = 0, total = 0;
      for (const g of groups) {
        let here = 0;
        for (const { item, text } of g.items) {
          const fits = (!rule.value || g.rule === rule.value) && (!owner?.value || item.dataset.owner === owner.value) &&
            (!fresh?.checked || "new" in item.dataset) && words.every((w) => text.includes(w));
          item.hidden = !fits;
          if (fits) here++;
        }
        g.el.hidden = here === 0;
        if (g.more) g.more.open = Boolean(narrowed);
        shown += here;
        total += g.items.length;
      }
      byId("nothing").hidden = shown > 0;
      byId("shown").value = narrowed ? shown + " of " + total : "";
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); search.focus(); }
    });
  }

  // what to do, to copy
  for (const fix of all(".fix pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(fix.textContent);
      } catch { // a page from a file may not: select, so that one key does it
        const range = document.createRange();
        range.selectNodeContents(fix);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = document.execCommand("copy") ? "copied" : "selected";
        return;
      }
      button.textContent = "copied";
    });
    fix.before(button);
  }

  // exposures
  const find = byId("find");
  if (find) {
    find.hidden = false;
    const exposures = all(".exposure").map((el) => ({ el, text: el.querySelector("summary").textContent.toLowerCase() }));
    byId("find-exposure").addEventListener("input", (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const { el, text } of exposures) el.hidden = !words.every((w) => text.includes(w));
    });
  }

  // pictures: what leads to a node and what it leads to, and what is known of it
  const reach = (edges, id, from, to) => {
    const seen = new Set([id]), lines = new Set();
    for (const next of seen) for (const e of edges) if (e.dataset[from] === next) { lines.add(e); seen.add(e.dataset[to]); }
    return { seen, lines };
  };
  for (const picture of all(".exposure")) {
    const svg = picture.querySelector(".lineage"), edges = all(".edge", svg), nodes = all(".node", svg), about = picture.querySelector(".about");
    const end = () => { const box = svg.closest(".scroll"); box.scrollLeft = box.scrollWidth; }; // where the rows go is what a narrow window shows first
    picture.addEventListener("toggle", end);
    end();
    addEventListener("load", end);
    const light = (id) => {
      const up = reach(edges, id, "to", "from"), down = reach(edges, id, "from", "to");
      svg.classList.add("lit");
      for (const n of nodes) n.classList.toggle("on", up.seen.has(n.dataset.id) || down.seen.has(n.dataset.id));
      for (const e of edges) e.classList.toggle("on", up.lines.has(e) || down.lines.has(e));
    };
    const dark = () => svg.classList.remove("lit");
    for (const n of nodes) {
      for (const event of ["mouseenter", "focus"]) n.addEventListener(event, () => light(n.dataset.id));
      for (const event of ["mouseleave", "blur"]) n.addEventListener(event, dark);
      n.addEventListener("click", (event) => {
        const entry = byId(n.dataset.id);
        if (!entry) return;
        event.preventDefault();
        const was = about.dataset.id;
        about.dataset.id = was === n.dataset.id ? "" : n.dataset.id;
        about.hidden = !about.dataset.id;
        about.replaceChildren(...(about.dataset.id ? [...entry.cloneNode(true).childNodes] : []));
        for (const other of nodes) other.classList.toggle("chosen", other.dataset.id === about.dataset.id);
      });
    }
  }

  // a link into what is folded opens it
  const open = () => {
    let el = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    const target = el;
    for (; el; el = el.parentElement) if (el.tagName === "DETAILS") el.open = true;
    target && target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  // on paper everything is open, as long as it is a report and no book
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])").filter((d) => !d.classList.contains("why"));
    if (opened.length > 400) opened = [];
    for (const d of opened) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of opened) d.open = false; });
})();
