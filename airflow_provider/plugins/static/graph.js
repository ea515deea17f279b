// The graph: layered, each component with the colour and the sign of its state, the reason on hover and on focus.
import { layOut } from "./graph_layout.js";
import { Sign, useSize } from "./parts.js";
import { isDone } from "./progress.js";
import { h, memo, useEffect, useMemo, useRef, useState } from "./react.js";
import { briefly, planned as planWords, waitsFor } from "./sentences.js";
import { PLANNED, STATES, count, plural, shortened } from "./words.js";

const NODE = { width: 184, height: 44, along: 40, across: 14 };
const TALLEST = 440;
const SMALLEST = 0.55; // what is smaller cannot be read, and scrolls instead
const FOLD_ABOVE = 200;
const NEIGHBOURS = 24;

/** The nodes to draw: components, and folds that stand for many. */
export function foldedNodes(components, { chosen, unfolded }) {
  if (unfolded || components.length <= FOLD_ABOVE) return components.map((component) => node(component));
  const kept = new Set(components.filter((one) => "fx".includes(one.state) || one.name === chosen).map((one) => one.index));
  const near = [...kept].flatMap((index) => [...components[index].needs, ...components[index].dependents]);
  for (const index of near.slice(0, NEIGHBOURS)) kept.add(index);
  const folds = new Map();
  for (const component of components) {
    if (kept.has(component.index)) continue;
    const id = isDone(component) || component.state === "s" ? "done" : "rest";
    if (!folds.has(id)) folds.set(id, { id, fold: [], needs: [] });
    folds.get(id).fold.push(component);
  }
  return [...folds.values(), ...[...kept].sort((a, b) => a - b).map((index) => node(components[index]))].map((one) =>
    withFolds(one, folds, kept, components),
  );
}

function node(component) {
  return { id: component.index, component, needs: component.needs };
}

/** What is folded stands before (done) or after (the rest) all that is shown; no edge runs back into it. */
function withFolds(one, folds, kept, components) {
  if (one.id === "done") return one;
  if (one.id === "rest") {
    const shown = [...kept].filter((index) => components[index].dependents.some((next) => !kept.has(next) && !isDone(components[next])));
    return { ...one, needs: shown.length || !folds.has("done") ? shown : ["done"] };
  }
  const needs = one.needs.filter((need) => kept.has(need));
  const hidden = one.needs.some((need) => !kept.has(need) && isDone(components[need]));
  return { ...one, needs: hidden && folds.has("done") ? [...needs, "done"] : needs };
}

function foldWords(fold) {
  const counts = new Map();
  for (const component of fold) counts.set(component.state, (counts.get(component.state) ?? 0) + 1);
  return [...counts].map(([state, number]) => `${count(number)} ${STATES[state].word}`).join(", ");
}

/** Choose the direction in which the graph is easiest to read, and lay it out. */
function fitted(nodes, width, tallest) {
  const score = (layout) => Math.min(1, width / layout.width, tallest / layout.height);
  const options = ["right", "down"].map((flow) =>
    layOut(nodes, flow === "right" ? { ...NODE, flow } : { ...NODE, along: 26, across: 18, flow }),
  );
  const best = score(options[0]) >= Math.min(0.9, score(options[1])) ? options[0] : options[1];
  return { ...best, fit: Math.max(SMALLEST, score(best)), flow: best === options[0] ? "right" : "down" };
}

export function Graph({ components, chosen, onChoose, unfolded, onUnfold, now, began, zoom, onZoom, planned, label = "Graph", tallest = TALLEST }) {
  const [ref, { width }] = useSize();
  const shape = components.map((one) => one.needs.join(".")).join("|");
  const drawn = foldedNodes(components, { chosen, unfolded });
  const ids = drawn.map((one) => one.id).join(",");
  const layout = useMemo(() => fitted(drawn, Math.max(280, width - 24), tallest), [shape, ids, width, tallest]);
  const scale = zoom ?? layout.fit;
  const [tip, setTip] = useState(null);
  useCentred(ref, layout, drawn, chosen, scale);
  const onKeyDown = (event) => moveFocus(event, ref.current, drawn, layout);
  return h(
    "div",
    { className: "spt-graph" },
    h(GraphBar, { components, drawn, unfolded, onUnfold, scale, onZoom, fit: layout.fit }),
    h(
      "div",
      { className: "spt-graph-scroll", ref, style: { maxHeight: tallest + 30 }, onKeyDown, onMouseLeave: () => setTip(null), role: "group", "aria-label": `${label}: ${plural(components.length, "component")}; arrow keys move along it` },
      h(
        "svg",
        {
          width: Math.ceil((layout.width + 16) * scale),
          height: Math.ceil((layout.height + 16) * scale),
          viewBox: `-8 -8 ${layout.width + 16} ${layout.height + 16}`,
          className: "spt-graph-svg",
        },
        h(Edges, { paths: layout.paths, chosen: components.find((one) => one.name === chosen)?.index }),
        drawn.map((one, index) =>
          one.fold
            ? h(FoldNode, { key: one.id, fold: one.fold, at: layout.places.get(one.id), onUnfold, id: one.id })
            : h(ComponentNode, {
                key: one.id,
                component: one.component,
                at: layout.places.get(one.id),
                chosen: one.component.name === chosen,
                tabbable: chosen ? one.component.name === chosen : index === 0,
                second: planned ? PLANNED[planned[one.id]].word : briefly(one.component, now, began),
                planned: planned?.[one.id],
                onChoose,
                onTip: setTip,
              }),
        ),
      ),
    ),
    tip ? h(Tip, { tip, components, planned }) : null,
  );
}

/** Show what matters first: the chosen, failed or running component, once the layout is there. */
function useCentred(ref, layout, drawn, chosen, scale) {
  const done = useRef("");
  useEffect(() => {
    const element = ref.current;
    const target =
      drawn.find((one) => one.component?.name === chosen) ?? drawn.find((one) => one.component?.state === "f") ?? drawn.find((one) => one.component?.state === "x");
    const key = `${target?.id} ${scale}`;
    if (!element || !target || done.current === key) return;
    done.current = key;
    const { x, y } = layout.places.get(target.id);
    element.scrollTo({ left: (x + NODE.width / 2) * scale - element.clientWidth / 2, top: (y + NODE.height / 2) * scale - element.clientHeight / 2 });
  });
}

function GraphBar({ components, drawn, unfolded, onUnfold, scale, onZoom, fit }) {
  const folds = components.length > FOLD_ABOVE;
  const step = (factor) => onZoom(Math.min(2, Math.max(0.1, scale * factor)));
  return h(
    "div",
    { className: "spt-bar" },
    folds
      ? h(
          "button",
          { type: "button", className: "spt-button", onClick: () => onUnfold(!unfolded) },
          unfolded ? "Fold what needs no look" : `Show all ${count(components.length)}`,
        )
      : null,
    folds && !unfolded ? h("span", { className: "spt-muted" }, `${count(drawn.filter((one) => !one.fold).length)} of ${count(components.length)} shown`) : null,
    h("span", { className: "spt-grow" }),
    h("button", { type: "button", className: "spt-button", "aria-label": "Zoom out", onClick: () => step(1 / 1.25) }, "−"),
    h("button", { type: "button", className: "spt-button", "aria-label": "Zoom in", onClick: () => step(1.25) }, "+"),
    h("button", { type: "button", className: "spt-button", onClick: () => onZoom(null), "aria-disabled": Math.abs(scale - fit) < 0.001 || undefined }, "Fit"),
  );
}

const Edges = memo(function Edges({ paths, chosen }) {
  const [near, far] = [[], []];
  for (const one of paths) (one.from === chosen || one.to === chosen ? near : far).push(one.d);
  return h(
    "g",
    { "aria-hidden": true },
    h("path", { className: "spt-edge", d: far.join("") }),
    near.length ? h("path", { className: "spt-edge spt-edge-near", d: near.join("") }) : null,
  );
});

const ComponentNode = memo(function ComponentNode({ component, at, chosen, tabbable, second, planned, onChoose, onTip }) {
  const kind = planned ? PLANNED[planned] : STATES[component.state];
  const show = (event) => onTip({ component, box: event.currentTarget.getBoundingClientRect() });
  return h(
    "g",
    {
      transform: `translate(${at.x} ${at.y})`,
      className: `spt-node spt-${kind.tone} spt-state-${planned ?? component.state}${chosen ? " spt-chosen" : ""}`,
      role: "button",
      tabIndex: tabbable ? 0 : -1,
      "data-component": component.index,
      "aria-pressed": chosen,
      "aria-label": `${component.name}: ${kind.word}. ${second}. Plan: ${planWords(component)}`,
      onClick: () => onChoose(component.name),
      onKeyDown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onChoose(component.name);
        }
      },
      onMouseEnter: show,
      onFocus: show,
      onBlur: () => onTip(null),
    },
    h("rect", { className: "spt-node-box", width: NODE.width, height: NODE.height, rx: 6 }),
    h("rect", { className: "spt-node-edge", width: 5, height: NODE.height, rx: 2.5 }),
    h("svg", { x: 12, y: 8, width: 16, height: 16, viewBox: "0 0 16 16" }, h("path", { d: kind.sign, className: `spt-sign-path${kind.filled ? " spt-sign-filled" : ""}` })),
    h(
      "svg",
      { x: 33, width: NODE.width - 37, height: NODE.height },
      h("text", { y: 20, className: "spt-node-name" }, shortened(component.name, 22)),
      h("text", { y: 36, className: "spt-node-second" }, second),
    ),
  );
});

function FoldNode({ fold, at, onUnfold, id }) {
  const words = foldWords(fold);
  return h(
    "g",
    {
      transform: `translate(${at.x} ${at.y})`,
      className: "spt-node spt-fold",
      role: "button",
      tabIndex: 0,
      "data-fold": id,
      "aria-label": `${words}; show all`,
      onClick: () => onUnfold(true),
      onKeyDown: (event) => event.key === "Enter" && onUnfold(true),
    },
    h("rect", { className: "spt-node-box", x: 4, y: 4, width: NODE.width, height: NODE.height, rx: 6 }),
    h("rect", { className: "spt-node-box", width: NODE.width, height: NODE.height, rx: 6 }),
    h("text", { x: 12, y: 20, className: "spt-node-name" }, `${count(fold.length)} folded`),
    h("text", { x: 12, y: 36, className: "spt-node-second" }, shortened(words, 30)),
  );
}

/** What there is to know without a click. */
function Tip({ tip, components, planned }) {
  const component = components[tip.component.index] ?? tip.component;
  const kind = planned ? PLANNED[planned[component.index]] : STATES[component.state];
  const waiting = component.state === "w" ? waitsFor(component, components) : [];
  const left = Math.max(8, Math.min(tip.box.left, globalThis.innerWidth - 340));
  return h(
    "div",
    { className: "spt-tip", role: "tooltip", style: { left, top: tip.box.bottom + 6 } },
    h("div", { className: `spt-state spt-${kind.tone}` }, h(Sign, { of: kind }), h("b", null, h("bdi", null, shortened(component.name, 120)))),
    h("div", null, kind.word),
    planWords(component) && !planned ? h("div", null, `Plan: ${planWords(component)}`) : null,
    waiting.length ? h("div", null, `waits for ${waiting.slice(0, 5).map((one) => shortened(one.name, 40)).join(", ")}`) : null,
    component.detail?.against_usual ? h("div", null, component.detail.against_usual) : null,
  );
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Arrow keys go to the nearest node in that direction. */
function moveFocus(event, element, drawn, layout) {
  const direction = KEYS[event.key];
  const from = document.activeElement?.closest?.("[data-component],[data-fold]");
  if (!direction || !from || !element.contains(from)) return;
  event.preventDefault();
  const idOf = (node) => (node.dataset.fold ? node.dataset.fold : Number(node.dataset.component));
  const here = layout.places.get(idOf(from));
  let best = null;
  for (const one of drawn) {
    const there = layout.places.get(one.id);
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = dx * direction[0] + dy * direction[1];
    const aside = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
    const far = ahead + 3 * aside;
    if (ahead > 1 && (!best || far < best.far)) best = { id: one.id, far };
  }
  if (best) element.querySelector(`[data-component="${best.id}"],[data-fold="${best.id}"]`)?.focus();
}
