"""The script of the graph's page. Unaware of Python: it reads the JSON that the page holds."""

from __future__ import annotations

from typing import Final

SCRIPT: Final = r"""
"use strict";
const G = JSON.parse(document.getElementById("graph").textContent);
const at = (id) => document.getElementById(id);
const count = G.nodes.length, needs = [], neededBy = [];
for (let i = 0; i < count; i++) { needs.push([]); neededBy.push([]); }
for (const [from, to, kind] of G.edges) {
  needs[from].push([to, kind]);
  neededBy[to].push([from, kind]);
}
const pathOf = (i) => G.nodes[i][0], kindOf = (i) => G.nodes[i][1];
const used = [...new Set(G.edges.map((edge) => edge[2]))].sort((a, b) => a - b);
const shownKinds = new Set(used), LISTED = 300, CAP = 40;
const WIDE = 236, HIGH = 24, GAP_X = 110, GAP_Y = 6;
let focus = -1, opened = new Set(), view = { x: 0, y: 0, scale: 1 };
const plural = (n, word) => n.toLocaleString("en") + " " + word + (n === 1 ? "" : "s");

function make(tag, attributes, parent, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
}

function tail(path, room) {
  const parts = path.split("/");
  let text = parts.pop();
  while (parts.length && text.length + parts[parts.length - 1].length < room - 2) {
    text = parts.pop() + "/" + text;
  }
  if (parts.length) text = "…/" + text;
  return text.length > room ? "…" + text.slice(text.length - room + 1) : text;
}

function list() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (let i = 0; i < count; i++) {
    const path = pathOf(i).toLowerCase();
    if (words.every((word) => path.includes(word))) found.push(i);
  }
  const files = at("files");
  files.textContent = "";
  for (const i of found.slice(0, LISTED)) {
    const button = document.createElement("button");
    button.className = i === focus ? "at" : "";
    const dot = document.createElement("i");
    dot.className = kindOf(i);
    const cut = pathOf(i).lastIndexOf("/") + 1, name = document.createElement("span");
    name.textContent = pathOf(i).slice(cut);
    const folder = document.createElement("small");
    folder.textContent = pathOf(i).slice(0, cut);
    button.append(dot, name, folder);
    button.title = pathOf(i) + ": " + needs[i].length + " needed, needed by " + neededBy[i].length;
    button.onclick = () => go(i);
    files.appendChild(document.createElement("li")).appendChild(button);
  }
  if (found.length > LISTED || !found.length) {
    const more = files.appendChild(document.createElement("li"));
    more.className = "more";
    more.textContent = found.length ? plural(found.length - LISTED, "more file") : "no such file";
  }
}

// Steps away from the focus: below 0 those who need it, above 0 what it needs. A file on a cycle
// with the focus is both; it stands where it is nearer, else among those who need it.
function around(start, depth) {
  const layer = new Map([[start, 0]]);
  const sides = [[neededBy, -1, at("back")], [needs, 1, at("forth")]]
    .map(([links, sign, wanted]) => ({ links, sign, edge: wanted.checked ? [start] : [] }));
  for (let step = 1; step <= depth; step++) for (const side of sides) {
    const next = [];
    for (const i of side.edge) for (const [j, kind] of side.links[i]) {
      if (!shownKinds.has(kind) || layer.has(j)) continue;
      layer.set(j, side.sign * step);
      next.push(j);
    }
    side.edge = next;
  }
  return layer;
}

function neighbourhood() {
  const layer = around(focus, Number(at("depth").value)), columns = new Map();
  for (const [i, step] of layer) {
    if (!columns.has(step)) columns.set(step, []);
    columns.get(step).push(i);
  }
  const steps = [...columns.keys()].sort((a, b) => a - b), drawn = [], place = new Map();
  const outward = [...steps].sort((a, b) => Math.abs(a) - Math.abs(b));
  for (const step of outward) {  // order each column by where its neighbours nearer the focus are
    const links = step > 0 ? neededBy : needs, weight = new Map();
    for (const i of columns.get(step)) {
      const near = links[i].map(([j]) => place.get(j)).filter((y) => y !== undefined);
      weight.set(i, near.length ? near.reduce((a, b) => a + b, 0) / near.length : 1e9);
    }
    const members = columns.get(step);
    members.sort((a, b) => weight.get(a) - weight.get(b) || (pathOf(a) < pathOf(b) ? -1 : 1));
    members.forEach((i, y) => place.set(i, (y + 0.5) / members.length));
  }
  for (const step of steps) {
    const members = columns.get(step), open = opened.has(step) || members.length <= CAP + 1;
    const items = (open ? members : members.slice(0, CAP)).map((i) => ({
      key: "n" + i, text: tail(pathOf(i), 30), title: pathOf(i), look: kindOf(i),
      at: i === focus, act: () => go(i) }));
    if (!open) items.push({ key: "m" + step, title: "Show all", look: "more",
      text: plural(members.length - CAP, "more file") + " …",
      act: () => { opened.add(step); draw(); } });
    const head = step === 0 ? "" : step < 0
      ? (step === -1 ? "needs it" : "needs it in " + -step + " steps")
      : (step === 1 ? "it needs" : "it needs in " + step + " steps");
    drawn.push({ head: head && head + " · " + members.length, items });
  }
  const links = [];
  for (const [i] of layer) for (const [j, kind] of needs[i]) {
    if (!layer.has(j) || !shownKinds.has(kind) || i === j) continue;
    links.push(["n" + i, "n" + j, G.kinds[kind], 1]);
  }
  return [drawn, links];
}

function groups() {
  if (G.projects.length > 1) return G.nodes.map((node) => G.projects[node[2]] || "(root)");
  for (let depth = 5; depth > 0; depth--) {
    const folder = ([path]) => path.split("/").slice(0, -1).slice(0, depth).join("/") || "(root)";
    const names = G.nodes.map(folder);
    if (new Set(names).size <= 60 || depth === 1) return names;
  }
}

function overview() {
  const names = groups(), sizes = new Map(), flow = new Map(), out = new Map();
  names.forEach((name) => sizes.set(name, (sizes.get(name) || 0) + 1));
  for (const [from, to, kind] of G.edges) {
    const a = names[from], b = names[to];
    if (a === b || !shownKinds.has(kind)) continue;
    const key = a + "\0" + b;
    flow.set(key, (flow.get(key) || 0) + 1);
    if (!out.has(a)) out.set(a, new Set());
    out.get(a).add(b);
  }
  const rank = new Map(), under = new Set();  // longest way down; an edge back is left out
  const rankOf = (name) => {
    if (rank.has(name)) return rank.get(name);
    if (under.has(name)) return -1;
    under.add(name);
    let best = 0;
    for (const next of out.get(name) || []) best = Math.max(best, rankOf(next) + 1);
    under.delete(name);
    rank.set(name, best);
    return best;
  };
  [...sizes.keys()].sort().forEach(rankOf);
  const ranks = Math.max(0, ...rank.values()) + 1, columns = [];
  const most = Math.min(ranks, 5);  // more columns than that cannot be read on a screen
  for (const [name, level] of rank) rank.set(name, Math.floor(level * most / ranks));
  for (let level = most - 1; level >= 0; level--) {
    const members = [...sizes.keys()].filter((name) => rank.get(name) === level).sort();
    if (!members.length) continue;
    const open = opened.has(level) || members.length <= CAP + 1;
    const items = (open ? members : members.slice(0, CAP)).map((name) => ({
      key: "g" + name, text: tail(name, 26), note: sizes.get(name).toLocaleString("en"),
      title: name + ": " + plural(sizes.get(name), "file"), look: "group",
      act: () => { at("search").value = name === "(root)" ? "" : name + "/"; list(); } }));
    if (!open) items.push({ key: "m" + level, title: "Show all", look: "more",
      text: plural(members.length - CAP, "more group") + " …",
      act: () => { opened.add(level); draw(); } });
    columns.push({ head: "", items });
  }
  const links = [...flow].map(([key, size]) => {
    const [a, b] = key.split("\0");
    return ["g" + a, "g" + b, "import", Math.min(6, 1 + Math.log2(size) / 2)];
  });
  return [columns, links];
}

function draw() {
  const scene = at("scene");
  scene.textContent = "";
  const [columns, links] = focus < 0 ? overview() : neighbourhood();
  const where = new Map(), linkLayer = make("g", {}, scene), boxes = make("g", {}, scene);
  const tallest = Math.max(0, ...columns.map(({ items }) => items.length));
  columns.forEach(({ head, items }, column) => {
    const x = column * (WIDE + GAP_X), high = HIGH + (tallest > 14 ? GAP_Y : 3 * GAP_Y);
    const top = -items.length * high / 2;
    if (head) make("text", { x, y: top - 10, class: "head" }, boxes, head);
    items.forEach((item, row) => {
      const y = top + row * high;
      const box = make("g", { class: "box " + item.look + (item.at ? " at" : ""),
        transform: "translate(" + x + " " + y + ")", tabindex: 0 }, boxes);
      make("rect", { width: WIDE, height: HIGH, rx: 5 }, box);
      make("rect", { class: "bar", width: 4, height: HIGH - 8, x: 5, y: 4, rx: 2 }, box);
      make("text", { x: 16, y: 16 }, box, item.text);
      if (item.note) {
        make("text", { x: WIDE - 8, y: 16, "text-anchor": "end", class: "dim" }, box, item.note);
      }
      make("title", {}, box, item.title);
      box.onclick = () => { if (!dragged) item.act(); };
      box.onkeydown = (event) => { if (event.key === "Enter") item.act(); };
      box.onmouseenter = () => mark(item.key);
      box.onmouseleave = () => mark(null);
      where.set(item.key, { x, y: y + HIGH / 2, box });
    });
  });
  const lines = [];
  for (const [from, to, kind, wide] of links) {
    const a = where.get(from), b = where.get(to);
    if (!a || !b) continue;
    let path;
    if (a.x < b.x) {
      const x1 = a.x + WIDE, x2 = b.x, bend = Math.max(40, (x2 - x1) / 2);
      path = `M${x1} ${a.y}C${x1 + bend} ${a.y} ${x2 - bend} ${b.y} ${x2} ${b.y}`;
    } else if (a.x === b.x) {
      const x = a.x + WIDE, out = Math.min(90, 20 + Math.abs(a.y - b.y) / 5);
      path = `M${x} ${a.y}C${x + out} ${a.y} ${x + out} ${b.y} ${x} ${b.y}`;
    } else {
      const x2 = b.x + WIDE;
      path = `M${a.x} ${a.y}C${a.x - 60} ${a.y} ${x2 + 60} ${b.y} ${x2} ${b.y}`;
    }
    const look = { d: path, class: "link " + kind, style: "stroke-width:" + wide * 1.2 };
    const line = make("path", look, linkLayer);
    lines.push([from, to, line]);
  }
  mark = (key) => {
    const near = new Set([key]);
    for (const [from, to, line] of lines) {
      const hot = key !== null && (from === key || to === key);
      line.classList.toggle("hot", hot);
      line.classList.toggle("faded", key !== null && !hot);
      if (hot) { near.add(from); near.add(to); }
    }
    for (const [name, { box }] of where) {
      box.classList.toggle("faded", key !== null && !near.has(name));
    }
  };
  if (!where.size) make("text", { class: "empty", x: 0, y: 0 }, scene, "Nothing to draw");
  const everything = G.projects.length > 1 ? "all projects" : "all folders";
  at("where").textContent = focus < 0 ? everything : pathOf(focus);
  at("steps").textContent = at("depth").value;
  fit();
}
let mark = () => {}, dragged = false;

function place() {
  at("scene").setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
}

function fit() {
  const box = at("scene").getBBox(), room = at("drawing").getBoundingClientRect();
  const across = (room.width - 60) / (box.width || 1);
  const scale = Math.min(1.25, across, (room.height - 120) / (box.height || 1));
  view.scale = Math.max(scale, focus < 0 ? 0.3 : 0.45);
  const middle = focus >= 0 && scale < view.scale ? { x: box.x + box.width / 2, y: 0 }
    : { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  view.x = room.width / 2 - middle.x * view.scale;
  view.y = room.height / 2 + 14 - middle.y * view.scale;
  place();
}

function go(i) {
  location.hash = i < 0 ? "" : encodeURIComponent(pathOf(i));
}

function follow() {
  let wanted = "";
  try { wanted = decodeURIComponent(location.hash.slice(1)); } catch (error) { wanted = ""; }
  focus = G.nodes.findIndex((node) => node[0] === wanted);
  opened = new Set();
  list();
  draw();
}

const svg = at("drawing");
let held = null;
svg.onpointerdown = (event) => {
  held = [event.clientX - view.x, event.clientY - view.y, event.clientX, event.clientY];
  dragged = false;
};
window.addEventListener("pointermove", (event) => {
  if (!held) return;
  if (Math.hypot(event.clientX - held[2], event.clientY - held[3]) > 4) dragged = true;
  if (!dragged) return;
  view.x = event.clientX - held[0];
  view.y = event.clientY - held[1];
  place();
});
window.addEventListener("pointerup", () => { held = null; });
svg.addEventListener("wheel", (event) => {
  event.preventDefault();
  const room = svg.getBoundingClientRect();
  const x = event.clientX - room.left, y = event.clientY - room.top;
  const scale = Math.min(4, Math.max(0.1, view.scale * Math.exp(-event.deltaY * 0.0015)));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  place();
}, { passive: false });
for (const kind of used) {
  const label = document.createElement("label"), check = document.createElement("input");
  check.type = "checkbox";
  check.checked = true;
  check.onchange = () => {
    if (check.checked) shownKinds.add(kind); else shownKinds.delete(kind);
    draw();
  };
  label.append(check, G.kinds[kind]);
  at("kinds").appendChild(label);
}
at("counts").textContent = plural(count, "file") + ", " + plural(G.edges.length, "edge");
at("legend").textContent =
  "left needs right · solid: import · dashed: lazy, string, observed · dotted: typing";
at("search").oninput = list;
for (const id of ["depth", "back", "forth"]) {
  at(id).oninput = () => { opened = new Set(); draw(); };
}
at("home").onclick = () => go(-1);
at("fit").onclick = fit;
window.addEventListener("hashchange", follow);
window.addEventListener("resize", fit);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== at("search")) {
    event.preventDefault();
    at("search").focus();
  }
  if (event.key === "Enter" && document.activeElement === at("search")) {
    const first = at("files").querySelector("button");
    if (first) first.click();
  }
});
if (!location.hash && G.focus >= 0) {
  history.replaceState(null, "", "#" + encodeURIComponent(pathOf(G.focus)));
}
follow();
"""
