"""The graph as one self-contained HTML page: a list to search, and a drawing around one file.

Unaware of files and browsers; the page loads nothing from anywhere. Its script is in
`graph_script`.
"""

from __future__ import annotations

import json
from typing import Final

from affected.model.edge import EdgeKind
from affected.report.graph_script import SCRIPT
from affected.report.protocol import GraphView
from affected.report.style import displayed

_STYLE: Final = """
:root { color-scheme: light dark; --back: #fbfbfa; --panel: #fff; --ink: #1d2330; --dim: #6a7283;
  --line: #dfe2e8; --edge: #9aa4b5; --focus: #f0a020; --test: #2f9e62; --module: #3b6fd4;
  --conftest: #b0569e; --file: #8a7a4f; --hot: #d6453d; }
@media (prefers-color-scheme: dark) { :root { --back: #14171d; --panel: #1b1f27; --ink: #e6e9ef;
  --dim: #929bab; --line: #2d333f; --edge: #596376; --focus: #f5b041; --test: #4cc38a;
  --module: #6f9cf0; --conftest: #d57fc3; --file: #c0ad77; --hot: #ff6f66; } }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { display: flex; background: var(--back); color: var(--ink);
  font: 13px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
aside { width: 330px; flex: none; display: flex; flex-direction: column; gap: 10px; padding: 14px;
  border-right: 1px solid var(--line); background: var(--panel); min-height: 0; }
h1 { font-size: 15px; margin: 0; } h1 small { display: block; color: var(--dim); font-weight: 400; }
input[type=search] { width: 100%; padding: 7px 10px; border: 1px solid var(--line); color: inherit;
  border-radius: 7px; background: var(--back); font: inherit; }
.row { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; color: var(--dim); }
.row label { display: inline-flex; gap: 4px; align-items: center; cursor: pointer; }
ul { list-style: none; margin: 0 -14px -14px; padding: 0 8px 8px; overflow: auto; flex: 1;
  border-top: 1px solid var(--line); }
li button { display: flex; gap: 8px; width: 100%; border: 0; background: none; color: inherit;
  font: inherit; text-align: left; padding: 3px 6px; border-radius: 5px; cursor: pointer;
  white-space: nowrap; overflow: hidden; align-items: baseline; }
li span { flex: none; max-width: 100%; overflow: hidden; text-overflow: ellipsis; }
li small { color: var(--dim); overflow: hidden; text-overflow: ellipsis; }
li button:hover, li button:focus-visible { background: var(--line); outline: none; }
li button.at { background: color-mix(in srgb, var(--focus) 25%, transparent); }
li i { flex: none; width: 8px; height: 8px; border-radius: 50%; }
li.more { color: var(--dim); padding: 6px; }
i.test { background: var(--test); } i.module { background: var(--module); }
i.conftest { background: var(--conftest); } i.file { background: var(--file); }
main { flex: 1; position: relative; min-width: 0; overflow: hidden; }
svg { width: 100%; height: 100%; display: block; cursor: grab; user-select: none; }
svg:active { cursor: grabbing; }
header { position: absolute; left: 16px; right: 16px; top: 12px; display: flex; gap: 8px;
  align-items: center; pointer-events: none; }
header > * { pointer-events: auto; }
header b { background: var(--panel); border: 1px solid var(--line); border-radius: 7px;
  padding: 5px 10px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header button { border: 1px solid var(--line); background: var(--panel); color: inherit;
  font: inherit; padding: 5px 10px; border-radius: 7px; cursor: pointer; }
header button:hover { border-color: var(--edge); }
#legend { position: absolute; left: 16px; bottom: 12px; color: var(--dim); background: var(--panel);
  border: 1px solid var(--line); border-radius: 7px; padding: 5px 10px; }
.box rect { fill: var(--panel); stroke: var(--line); rx: 5px; }
.box { cursor: pointer; } .box text { fill: var(--ink); font-size: 12px; }
.box text.dim, text.head { fill: var(--dim); } text.head { font-size: 12px; }
.box .bar { stroke: none; } .box.test .bar { fill: var(--test); }
.box.module .bar { fill: var(--module); } .box.conftest .bar { fill: var(--conftest); }
.box.file .bar, .box.group .bar { fill: var(--file); } .box.more .bar { fill: none; }
.box.at rect:first-child { stroke: var(--focus); stroke-width: 2.5px; }
.box:hover rect:first-child { stroke: var(--ink); }
.box.faded, .link.faded { opacity: .15; }
.link { fill: none; stroke: var(--edge); stroke-width: 1.2px; opacity: .55; }
.link.lazy, .link.string, .link.observed { stroke-dasharray: 5 4; }
.link.typing { stroke-dasharray: 1.5 3.5; } .link.hot { stroke: var(--hot); opacity: 1; }
.empty { fill: var(--dim); font-size: 14px; }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>@TITLE@</title>
<style>@STYLE@</style>
</head>
<body>
<aside>
<h1>@TITLE@<small id="counts"></small></h1>
<input id="search" type="search" placeholder="Find a file  ( / )" aria-label="Find a file">
<div class="row">
<label>steps <input id="depth" type="range" min="1" max="6" value="2"></label>
<span id="steps"></span>
</div>
<div class="row">
<label><input id="back" type="checkbox" checked> who needs it</label>
<label><input id="forth" type="checkbox" checked> what it needs</label>
</div>
<div class="row" id="kinds"></div>
<ul id="files"></ul>
</aside>
<main>
<svg id="drawing" role="img" aria-label="Drawing of the graph"><g id="scene"></g></svg>
<header><button id="home" title="The whole graph, by folder">Overview</button>
<button id="fit" title="Show everything that is drawn">Fit</button><b id="where"></b></header>
<div id="legend"></div>
</main>
<script type="application/json" id="graph">@GRAPH@</script>
<script>@SCRIPT@</script>
</body>
</html>
"""


def graph_html(view: GraphView) -> str:
    """The page; it opens on `view.focus`, or on an overview by project or folder."""
    title = view.title or "Who needs whom"
    parts = {
        "@TITLE@": _escaped(displayed(title)),
        "@STYLE@": _STYLE,
        "@GRAPH@": _graph_text(view),
        "@SCRIPT@": SCRIPT,
    }
    page = _PAGE
    for mark, text in parts.items():
        page = page.replace(mark, text)
    return page


def _graph_text(view: GraphView) -> str:
    """The graph as compact JSON that cannot end its script element."""
    nodes = sorted(view.nodes, key=lambda node: node.path)
    position = {node.path: index for index, node in enumerate(nodes)}
    projects = sorted({node.project for node in nodes})
    place = {project: index for index, project in enumerate(projects)}
    edges = sorted(
        (position[edge.source], position[edge.needed], int(edge.kind))
        for edge in view.edges
        if edge.source in position and edge.needed in position
    )
    document = {
        "kinds": [kind.name.lower() for kind in EdgeKind],
        "projects": [displayed(project) for project in projects],
        "nodes": [[displayed(node.path), node.kind, place[node.project]] for node in nodes],
        "edges": edges,
        "focus": position.get(view.focus, -1),
    }
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
