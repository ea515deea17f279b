// Small parts that several sights use.
import { Fragment, h, useEffect, useLayoutEffect, useRef, useState } from "./react.js";
import { PLANNED, STATES } from "./words.js";

/** The sign of a state, in the state's colour. */
export function Sign({ of, size = 16 }) {
  const { sign, filled, tone } = of;
  return h(
    "svg",
    { className: `spt-sign spt-${tone}`, width: size, height: size, viewBox: "0 0 16 16", "aria-hidden": true },
    h("path", { d: sign, className: filled ? "spt-sign-filled" : "" }),
  );
}

export function StateWord({ component, planned }) {
  const kind = planned ? PLANNED[planned] : STATES[component.state];
  return h("span", { className: `spt-state spt-${kind.tone}` }, h(Sign, { of: kind }), h("span", null, kind.word));
}

/** A button that says why it is off: to the eye, to the mouse and to a screen reader. */
export function Act({ onClick, off, children, kind = "plain", ...more }) {
  return h(
    "button",
    {
      type: "button",
      className: `spt-button spt-${kind}`,
      "aria-disabled": off ? true : undefined,
      title: off || undefined,
      onClick: off ? undefined : onClick,
      ...more,
    },
    children,
    off ? h("span", { className: "spt-hidden" }, ` (off: ${off})`) : null,
  );
}

export function Notice({ tone = "info", children, role = "status", ...more }) {
  return h("div", { className: `spt-notice spt-notice-${tone}`, role, ...more }, children);
}

export function Section({ title, aside, children, label, ...more }) {
  return h(
    "section",
    { className: "spt-section", "aria-label": label ?? title, ...more },
    h("div", { className: "spt-section-head" }, h("h3", null, title), aside ?? null),
    children,
  );
}

/** Terms and what they are; those without a value are left out. */
export function Facts({ facts }) {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–");
  if (!known.length) return null;
  return h(
    "dl",
    { className: "spt-facts" },
    known.map(([term, value]) => h(Fragment, { key: term }, h("dt", null, term), h("dd", null, value))),
  );
}

/** The size of an element, kept up to date. */
export function useSize() {
  const ref = useRef(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

const AHEAD = 12;

/** Which rows of a long list are in sight. The element scrolls, rows have one height. */
export function useRowsInSight(rows, rowHeight, sight) {
  const ref = useRef(null);
  const [first, setFirst] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    let frame = 0;
    const onScroll = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setFirst(Math.floor(element.scrollTop / rowHeight / AHEAD) * AHEAD);
      });
    };
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      element.removeEventListener("scroll", onScroll);
      cancelAnimationFrame(frame);
    };
  }, [rowHeight]);
  const shown = Math.ceil(sight / rowHeight);
  const start = Math.max(0, Math.min(first - AHEAD, rows - shown));
  return { ref, start, end: Math.min(rows, first + shown + 2 * AHEAD) };
}

/** A list of names that go to a component; long lists say how many more there are. */
export function Names({ components, onChoose, most = 8 }) {
  const shown = components.slice(0, most);
  return h(
    "span",
    { className: "spt-names" },
    shown.map((component) =>
      h(
        "button",
        { key: component.index, type: "button", className: "spt-name", title: component.name, onClick: () => onChoose(component.name) },
        h(Sign, { of: STATES[component.state], size: 13 }),
        h("bdi", null, component.name),
      ),
    ),
    components.length > shown.length ? h("span", { className: "spt-muted" }, `and ${components.length - shown.length} more`) : null,
  );
}
