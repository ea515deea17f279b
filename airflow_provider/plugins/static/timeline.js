// The timeline of one attempt: what ran when, side by side, against what it usually takes.
import { Sign, useRowsInSight } from "./parts.js";
import { h, useEffect, useMemo } from "./react.js";
import { secondsSoFar } from "./sentences.js";
import { STATES, count, duration, moment, roughly } from "./words.js";

const ROW = 26;
const MOST_ROWS = 14;

export function Timeline({ attempt, chosen, onChoose, now }) {
  const rows = useMemo(() => rowsOf(attempt.components), [attempt.components]);
  const span = spanOf(attempt, rows, now);
  const sight = Math.min(rows.length, MOST_ROWS) * ROW;
  const { ref, start, end } = useRowsInSight(rows.length, ROW, sight);
  useFirstLook(ref, rows, chosen, attempt.number);
  const idle = attempt.components.filter((one) => "wns".includes(one.state));
  if (!rows.length) return h("p", { className: "spt-muted" }, "Nothing has begun in this attempt yet.");
  return h(
    "div",
    { className: "spt-timeline" },
    h(Axis, { span, began: attempt.began }),
    h(
      "div",
      { className: "spt-timeline-rows", ref, style: { maxHeight: sight + 2 }, tabIndex: -1 },
      h(
        "div",
        { style: { height: rows.length * ROW, position: "relative" } },
        h(
          "div",
          { style: { position: "absolute", insetInline: 0, top: start * ROW } },
          rows.slice(start, end).map((component) =>
            h(Row, { key: component.index, component, span, attempt, chosen: component.name === chosen, onChoose, now }),
          ),
        ),
      ),
    ),
    idle.length ? h("p", { className: "spt-muted" }, idleWords(idle)) : null,
  );
}

function rowsOf(components) {
  const reused = components.filter((one) => one.state === "r");
  const begun = components.filter((one) => one.began >= 0 && one.state !== "r");
  return [...reused, ...begun.sort((left, right) => left.began - right.began || left.index - right.index)];
}

function spanOf(attempt, rows, now) {
  const until = Number.isFinite(attempt.ended) ? attempt.ended : attempt.newest ? now : NaN;
  const ends = rows.map((one) => (one.began >= 0 ? one.began + Math.max(0, secondsSoFar(one, now, attempt.began)) : 0));
  const elapsed = Number.isFinite(until) ? (until - attempt.began) / 1000 : 0;
  return Math.max(1, elapsed, ...ends);
}

function idleWords(idle) {
  const counts = new Map();
  for (const one of idle) counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
  return `${[...counts].map(([state, number]) => `${count(number)} ${STATES[state].word}`).join(", ")}: not on the timeline, as they have not begun.`;
}

function useFirstLook(ref, rows, chosen, attempt) {
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const at = rows.findIndex((one) => one.name === chosen);
    const place = at >= 0 ? at : rows.findIndex((one) => "fx".includes(one.state));
    if (place >= 0 && (place * ROW < element.scrollTop || (place + 1) * ROW > element.scrollTop + element.clientHeight)) {
      element.scrollTop = Math.max(0, place * ROW - element.clientHeight / 2);
    }
  }, [chosen, attempt, rows.length]);
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800];

function Axis({ span, began }) {
  const step = STEPS.find((one) => span / one <= 5) ?? span / 4;
  const ticks = [];
  for (let at = 0; at <= span * 0.97; at += step) ticks.push(at);
  return h(
    "div",
    { className: "spt-axis", "aria-hidden": true },
    h("div", { className: "spt-axis-name" }, moment(began)),
    h(
      "div",
      { className: "spt-axis-track" },
      ticks.map((at) => h("span", { key: at, style: { insetInlineStart: `${(100 * at) / span}%` } }, at ? `+${roughly(at)}` : "start")),
    ),
  );
}

function Row({ component, span, attempt, chosen, onChoose, now }) {
  const kind = STATES[component.state];
  const took = secondsSoFar(component, now, attempt.began);
  const words = barWords(component, took);
  return h(
    "button",
    {
      type: "button",
      className: `spt-row${chosen ? " spt-chosen" : ""}`,
      style: { height: ROW },
      "aria-pressed": chosen,
      title: `${component.name}: ${words}`,
      onClick: () => onChoose(component.name),
    },
    h("span", { className: "spt-row-name" }, h(Sign, { of: kind, size: 13 }), h("bdi", null, component.name)),
    h("span", { className: "spt-track" }, component.state === "r" ? h(ReusedBar, { component }) : h(Bar, { component, took, span, kind })),
    h("span", { className: "spt-hidden" }, words),
  );
}

function barWords(component, took) {
  const usual = component.usual > 0 ? `, usually ${duration(component.usual)}` : "";
  if (component.state === "r") return `reused${took >= 0 ? `, took ${duration(took)} when it ran` : ""}`;
  return `${STATES[component.state].word}, began ${duration(component.began)} after the start, ${duration(took)}${usual}`;
}

/** Reused: it took no time in this attempt, and its time then would not fit the scale. */
function ReusedBar({ component }) {
  return h("span", { className: "spt-reused-bar" }, component.seconds >= 0 ? `reused, saved ${roughly(component.seconds)}` : "reused");
}

function Bar({ component, took, span, kind }) {
  const place = (seconds) => `${(100 * Math.max(0, seconds)) / span}%`;
  const late = component.usual > 0 && took > 1.5 * component.usual && took - component.usual > 1;
  return [
    component.usual > 0
      ? h("span", {
          key: "usual",
          className: "spt-usual",
          style: { insetInlineStart: place(component.began), width: place(Math.min(component.usual, span - component.began)) },
        })
      : null,
    h("span", {
      key: "bar",
      className: `spt-bar-took spt-${kind.tone} spt-state-${component.state}`,
      style: { insetInlineStart: place(component.began), width: place(took) },
    }),
    h(
      "span",
      {
        key: "words",
        className: `spt-bar-words${late ? " spt-late" : ""}`,
        style: afterBar((component.began + took) / span, component.began / span),
      },
      duration(took),
      late ? ` (${(took / component.usual).toFixed(1)} × usual)` : "",
    ),
  ];
}

/** Words stand behind the bar, and before it where there is no room behind. */
function afterBar(end, begin) {
  if (end < 0.72) return { insetInlineStart: `calc(${100 * end}% + 4px)` };
  if (begin > 0.28) return { insetInlineEnd: `calc(${100 * (1 - begin)}% + 4px)` };
  return { insetInlineEnd: "6px", color: "inherit", mixBlendMode: "normal" };
}
