// The table: every component, to sort and to filter.
import { StateWord, useRowsInSight } from "./parts.js";
import { h, useMemo } from "./react.js";
import { againstUsual, planned, secondsSoFar, waitsFor } from "./sentences.js";
import { STATES, STATE_ORDER, bytes, count, duration, shortened } from "./words.js";

const ROW = 33;
const MOST_ROWS = 18;

const cost = (name) => (component) => component.detail?.costs?.[name] ?? -1;

const COLUMNS = [
  { id: "name", title: "Component", value: (one) => one.name, text: (one) => h("bdi", { className: "spt-cell-name" }, one.name) },
  { id: "state", title: "State", value: (one) => STATE_ORDER.indexOf(one.state), text: (one) => h(StateWord, { component: one }) },
  { id: "plan", title: "Plan", value: planned, text: planned, wide: true },
  { id: "waits", title: "Waits for", value: (one, all) => waiting(one, all).length, text: (one, all) => waitWords(one, all), wide: true },
  { id: "time", title: "Time", number: true, value: (one, all, at) => secondsSoFar(one, at.now, at.began), text: (one, all, at) => timeWords(one, at) },
  { id: "usual", title: "Usual", number: true, value: (one) => one.usual, text: (one) => (one.usual >= 0 ? duration(one.usual) : "–") },
  { id: "rows", title: "Rows read", number: true, wide: true, value: cost("input_rows"), text: (one) => count(cost("input_rows")(one)) },
  { id: "shuffle", title: "Shuffled", number: true, wide: true, value: cost("shuffle_write_bytes"), text: (one) => bytes(cost("shuffle_write_bytes")(one)) },
  { id: "spill", title: "Spilled", number: true, wide: true, value: cost("spilled_bytes"), text: (one) => bytes(cost("spilled_bytes")(one)) },
];

const waiting = (component, all) => (component.state === "w" ? waitsFor(component, all) : []);

function waitWords(component, all) {
  const names = waiting(component, all).map((one) => shortened(one.name, 40));
  return names.length > 2 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(", ");
}

function timeWords(component, at) {
  const seconds = secondsSoFar(component, at.now, at.began);
  const usual = againstUsual(component, at.now, at.began);
  const late = usual && usual.factor >= 1.5 && usual.seconds - component.usual > 1;
  return h("span", { className: late ? "spt-late" : "" }, duration(seconds), late ? ` (${usual.factor.toFixed(1)} ×)` : "");
}

/** What failed and what runs comes first in a list that does not fit the screen; the rest stays in the plan's order. */
function attentionFirst(rows) {
  const urgent = (one) => "fx".includes(one.state);
  return [...rows.filter(urgent), ...rows.filter((one) => !urgent(one))];
}

/** The components that the filters let through, in the order that was asked for. */
export function filteredRows(components, { text, states, sort }, at) {
  const wanted = text.trim().toLocaleLowerCase();
  const rows = components.filter(
    (one) => (!states || states.includes(one.state)) && (!wanted || `${one.name}\n${planned(one)}`.toLocaleLowerCase().includes(wanted)),
  );
  if (!sort) return rows.length > MOST_ROWS ? attentionFirst(rows) : rows;
  const column = COLUMNS.find((one) => one.id === sort.by);
  const keyed = rows.map((one) => [column.value(one, components, at), one]);
  const sign = sort.down ? -1 : 1;
  const compare = (left, right) => (typeof left === "string" ? left.localeCompare(right) : left - right);
  return keyed.sort((left, right) => sign * compare(left[0], right[0]) || left[1].index - right[1].index).map(([, one]) => one);
}

export function ComponentTable({ attempt, chosen, onChoose, chosenFilters, onFilter, now }) {
  const at = { now, began: attempt.began };
  const { text, states, sort } = chosenFilters;
  const live = sort?.by === "time" ? now : 0; // only then does the order change with time
  const rows = useMemo(() => filteredRows(attempt.components, { text, states, sort }, at), [attempt.components, text, states, sort, live]);
  const sight = Math.min(Math.max(rows.length, 1), MOST_ROWS) * ROW;
  const { ref, start, end } = useRowsInSight(rows.length, ROW, sight);
  return h(
    "div",
    null,
    h(Filters, { components: attempt.components, text, states, onFilter, shown: rows.length }),
    h(
      "div",
      { className: "spt-table-scroll", ref, style: { maxHeight: sight + ROW + 18 }, tabIndex: 0, role: "region", "aria-label": "Components" },
      h(
        "table",
        { className: "spt-table", "aria-rowcount": rows.length + 1 },
        h("thead", null, h("tr", null, COLUMNS.map((column) => h(Head, { key: column.id, column, sort, onFilter })))),
        h(
          "tbody",
          null,
          start > 0 ? h("tr", { "aria-hidden": true, style: { height: start * ROW } }, h("td", { colSpan: COLUMNS.length })) : null,
          rows.slice(start, end).map((component, index) =>
            h(TableRow, { key: component.index, component, all: attempt.components, at, chosen: component.name === chosen, onChoose, place: start + index + 2 }),
          ),
          end < rows.length ? h("tr", { "aria-hidden": true, style: { height: (rows.length - end) * ROW } }, h("td", { colSpan: COLUMNS.length })) : null,
        ),
      ),
    ),
    rows.length ? null : h("p", { className: "spt-muted" }, "No component fits the filter."),
  );
}

function Filters({ components, text, states, onFilter, shown }) {
  const present = STATE_ORDER.filter((state) => components.some((one) => one.state === state));
  return h(
    "div",
    { className: "spt-bar" },
    h("input", {
      type: "search",
      className: "spt-input",
      placeholder: "Filter by name or plan",
      "aria-label": "Filter components by name or plan",
      value: text,
      onChange: (event) => onFilter({ text: event.target.value }),
    }),
    h(
      "select",
      { className: "spt-input", "aria-label": "Filter components by state", value: states, onChange: (event) => onFilter({ states: event.target.value }) },
      h("option", { value: "" }, "all states"),
      present.map((state) => h("option", { key: state, value: state }, STATES[state].word)),
    ),
    h("span", { className: "spt-muted", role: "status" }, shown === components.length ? "" : `${count(shown)} of ${count(components.length)}`),
  );
}

function Head({ column, sort, onFilter }) {
  const mine = sort?.by === column.id;
  const next = !mine ? { by: column.id, down: Boolean(column.number) } : sort.down === Boolean(column.number) ? { by: column.id, down: !sort.down } : null;
  return h(
    "th",
    { scope: "col", className: columnClass(column), "aria-sort": mine ? (sort.down ? "descending" : "ascending") : "none" },
    h("button", { type: "button", className: "spt-sort", onClick: () => onFilter({ sort: next }) }, column.title, mine ? (sort.down ? " ↓" : " ↑") : ""),
  );
}

function TableRow({ component, all, at, chosen, onChoose, place }) {
  return h(
    "tr",
    {
      className: `spt-table-row${chosen ? " spt-chosen" : ""}`,
      "aria-rowindex": place,
      "aria-selected": chosen,
      onClick: () => onChoose(component.name),
    },
    COLUMNS.map((column) =>
      column.id === "name"
        ? h(
            "th",
            { key: column.id, scope: "row", title: component.name },
            h("button", { type: "button", className: "spt-cell-button" }, column.text(component)),
          )
        : h("td", { key: column.id, className: columnClass(column), title: column.id === "plan" ? planned(component) : undefined }, column.text(component, all, at)),
    ),
  );
}

function columnClass(column) {
  return `${column.number ? "spt-number" : ""}${column.wide ? " spt-wide" : ""}`;
}
