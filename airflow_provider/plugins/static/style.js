// How the tab looks. Colours are the host's variables, so that its light and dark theme fit; the fallbacks are for a host
// that names one otherwise. Sizes follow the tab's own width, not the window's.
const color = (name, fallback) => `var(--chakra-colors-${name}, ${fallback})`;

const CSS = `
.spt { --spt-fg: ${color("fg", "CanvasText")}; --spt-muted: ${color("fg-muted", "GrayText")}; --spt-bg: ${color("bg", "Canvas")};
  --spt-subtle: ${color("bg-subtle", "#f7f8fa")}; --spt-raised: ${color("bg-muted", "#eef0f3")}; --spt-border: ${color("border-emphasized", "#c3c8d0")};
  --spt-line: ${color("border", "#dde0e5")}; --spt-brand: ${color("brand-solid", "#2c5282")}; --spt-on-brand: ${color("brand-contrast", "#fff")};
  --spt-focus: ${color("brand-focus-ring", "#3182ce")}; --spt-link: ${color("fg-info", "#2b6cb0")};
  container-type: inline-size; color: var(--spt-fg); font-size: 14px; line-height: 1.45; padding: 12px 12px 48px; min-width: 0;
  max-width: calc(100vw - 68px); /* on a phone the host is wider than the screen beside its menu */ }
.spt *, .spt-tip { box-sizing: border-box; }
.spt-completed { --tone: ${color("success-solid", "#18794e")}; --tone-fg: ${color("success-fg", "#18794e")}; --tone-bg: ${color("success-subtle", "#e9f9ee")}; }
.spt-failed { --tone: ${color("failed-solid", "#cd2b31")}; --tone-fg: ${color("failed-fg", "#b42318")}; --tone-bg: ${color("failed-subtle", "#ffefef")}; }
.spt-running { --tone: ${color("running-solid", "#0e7c9e")}; --tone-fg: ${color("running-fg", "#0b6e8c")}; --tone-bg: ${color("running-subtle", "#e6f6fb")}; }
.spt-reused { --tone: ${color("purple-solid", "#7a3fb5")}; --tone-fg: ${color("purple-fg", "#6b2fa8")}; --tone-bg: ${color("purple-subtle", "#f5edfc")}; }
.spt-waiting { --tone: ${color("fg-subtle", "#8a929e")}; --tone-fg: ${color("fg-muted", "#5b6470")}; --tone-bg: ${color("bg-subtle", "#f4f5f7")}; }
.spt h2, .spt h3, .spt h4 { font-weight: 600; margin: 0; }
.spt h2 { font-size: 17px; line-height: 1.35; overflow-wrap: anywhere; }
.spt h3 { font-size: 14px; }
.spt h4 { font-size: 13px; margin-top: 10px; }
.spt p { margin: 4px 0; overflow-wrap: anywhere; }
.spt code, .spt pre { font-family: ${"var(--chakra-fonts-mono, monospace)"}; font-size: 12.5px; overflow-wrap: anywhere; }
.spt pre { white-space: pre-wrap; background: var(--spt-subtle); border: 1px solid var(--spt-line); border-radius: 6px; padding: 8px; max-height: 300px; overflow: auto; }
.spt bdi { unicode-bidi: isolate; }
.spt-muted { color: var(--spt-muted); font-size: 13px; }
.spt-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.spt-grow { flex: 1; }
.spt-late { color: ${color("fg-warning", "#a15c00")}; font-weight: 600; }
.spt-bar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin: 6px 0; }
.spt-line { margin: 8px 0; display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.spt-section { margin-top: 18px; }
.spt-section-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 10px; margin-bottom: 6px; }
.spt :focus-visible { outline: 2px solid var(--spt-focus); outline-offset: 1px; }

.spt-button, .spt-input { font: inherit; font-size: 13px; color: inherit; background: var(--spt-bg); border: 1px solid var(--spt-border); border-radius: 6px; padding: 3px 10px; min-height: 30px; }
.spt-button { cursor: pointer; white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis; }
.spt-button:hover { background: var(--spt-raised); }
.spt-primary { background: var(--spt-brand); border-color: var(--spt-brand); color: var(--spt-on-brand); }
.spt-primary:hover { background: var(--spt-brand); filter: brightness(1.12); }
.spt-danger { background: ${color("failed-solid", "#cd2b31")}; border-color: transparent; color: ${color("failed-contrast", "#fff")}; }
.spt-danger:hover { background: ${color("failed-solid", "#cd2b31")}; filter: brightness(1.12); }
.spt-quiet { border-color: transparent; background: none; }
.spt-button[aria-disabled], .spt-button:disabled { opacity: 0.5; cursor: not-allowed; filter: none; }
.spt-input { min-width: 0; }
.spt-input[type="search"] { flex: 1 1 180px; max-width: 340px; }
.spt-link { color: var(--spt-link); text-decoration: underline; }

.spt-head { display: flex; flex-direction: column; gap: 8px; }
.spt-sentence { display: flex; gap: 8px; align-items: flex-start; }
.spt-sentence .spt-sign { margin-top: 3px; flex: none; }
.spt-counts { display: flex; flex-wrap: wrap; gap: 6px; }
.spt-count { display: inline-flex; align-items: center; gap: 5px; font: inherit; font-size: 13px; padding: 2px 9px; border-radius: 999px; border: 1px solid var(--tone); background: var(--tone-bg); color: var(--spt-fg); cursor: pointer; }
.spt-count[aria-pressed="true"] { box-shadow: 0 0 0 2px var(--tone); }
.spt-sign { display: inline-block; vertical-align: -3px; flex: none; }
.spt-sign path, .spt-sign-path { fill: none; stroke: var(--tone-fg); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.spt-sign .spt-sign-filled, .spt-sign-path.spt-sign-filled { fill: var(--tone-fg); }
.spt-state { display: inline-flex; gap: 6px; align-items: center; vertical-align: middle; color: var(--tone-fg); font-weight: 500; }
.spt-attempts { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.spt-attempt { display: inline-flex; gap: 6px; align-items: center; }
.spt-attempt[aria-pressed="true"] { border-color: var(--spt-brand); box-shadow: 0 0 0 1px var(--spt-brand); font-weight: 600; }

.spt-notice { border-inline-start: 4px solid ${color("fg-info", "#2b6cb0")}; border-block: 1px solid var(--spt-line); border-inline-end: 1px solid var(--spt-line); padding: 6px 10px; border-radius: 0 6px 6px 0; margin: 6px 0; overflow-wrap: anywhere; font-size: 13.5px; }
.spt-notice-warning { border-inline-start-color: ${color("warning-solid", "#c05600")}; }
.spt-notice-error { border-inline-start-color: ${color("failed-solid", "#cd2b31")}; background: ${color("failed-subtle", "#ffefef")}; }
.spt-now { border: 1px solid var(--tone); border-inline-start-width: 5px; border-radius: 8px; padding: 10px 14px; margin-top: 12px; display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
.spt-headline { font-weight: 600; }
.spt-remedy { border-inline-start: 3px solid var(--spt-border); padding-inline-start: 8px; }
.spt-steps { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 12px; align-items: center; }
.spt-steps > p { grid-column: 1 / -1; }
.spt details > summary { cursor: pointer; color: var(--spt-link); }

.spt-stage { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; align-items: start; margin-top: 18px; }
.spt-stage > .spt-section { margin-top: 0; min-width: 0; }
.spt-panel { border: 1px solid var(--spt-border); border-radius: 8px; padding: 10px 12px; background: var(--spt-bg); min-width: 0; overflow-wrap: anywhere; }
.spt-panel-head { display: flex; align-items: flex-start; gap: 8px; justify-content: space-between; }
.spt-panel-name { font-size: 15px !important; overflow-wrap: anywhere; max-height: 6.2em; overflow: auto; }
.spt-actions { display: grid; gap: 6px; margin: 10px 0; }
.spt-action { display: grid; gap: 2px; justify-items: start; }
.spt-facts { display: grid; grid-template-columns: minmax(90px, max-content) minmax(0, 1fr); gap: 3px 12px; margin: 8px 0; }
.spt-facts dt { color: var(--spt-muted); font-size: 13px; max-width: 150px; }
.spt-facts dd { margin: 0; overflow-wrap: anywhere; }
.spt-left { margin: 4px 0; padding-inline-start: 18px; list-style: disc; }
.spt-facts .spt-left { padding-inline-start: 0; list-style: none; }
.spt-names { display: inline-flex; flex-wrap: wrap; gap: 4px; min-width: 0; }
.spt-name { display: inline-flex; gap: 4px; align-items: center; font: inherit; font-size: 13px; max-width: min(100%, 260px); border: 1px solid var(--spt-line); border-radius: 5px; padding: 0 6px; background: none; color: inherit; cursor: pointer; overflow: hidden; }
.spt-name bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.spt-log { max-height: 360px; width: 100%; }

.spt-graph-scroll, .spt-timeline-rows, .spt-table-scroll { overflow: auto; border: 1px solid var(--spt-line); border-radius: 8px; background: var(--spt-bg); contain: content; }
.spt-graph-scroll { padding: 4px; }
.spt-graph-svg { display: block; margin: auto; }
.spt-edge { fill: none; stroke: var(--spt-border); stroke-width: 1.4; }
.spt-edge-near { stroke: var(--spt-brand); stroke-width: 2.2; }
.spt-node { cursor: pointer; outline: none; }
.spt-node-box { fill: var(--spt-bg); stroke: var(--spt-border); stroke-width: 1; }
.spt-node-edge { fill: var(--tone); }
.spt-node-name { font-size: 13px; font-weight: 600; fill: var(--spt-fg); }
.spt-node-second { font-size: 11.5px; fill: var(--spt-muted); }
.spt-state-f .spt-node-box { fill: var(--tone-bg); stroke: var(--tone); stroke-width: 2; }
.spt-state-x .spt-node-box { stroke: var(--tone); stroke-width: 2; }
.spt-state-r .spt-node-box, .spt-state-p .spt-node-box { stroke-dasharray: 5 3; stroke: var(--tone); }
.spt-state-w .spt-node-name, .spt-state-n .spt-node-name, .spt-state-s .spt-node-name { fill: var(--spt-muted); }
.spt-chosen .spt-node-box { stroke: var(--spt-brand); stroke-width: 3; stroke-dasharray: none; }
.spt-node:hover .spt-node-box { fill: var(--spt-raised); }
.spt-node:focus-visible .spt-node-box { stroke: var(--spt-focus); stroke-width: 3; }
.spt-fold .spt-node-box { stroke-dasharray: 2 2; }
.spt-tip { position: fixed; z-index: 20; max-width: 330px; padding: 7px 10px; border-radius: 6px; background: ${color("bg-panel", "Canvas")}; color: ${color("fg", "CanvasText")}; border: 1px solid ${color("border-emphasized", "#c3c8d0")}; box-shadow: 0 4px 14px rgb(0 0 0 / 0.2); font-size: 13px; pointer-events: none; overflow-wrap: anywhere; }

.spt-axis, .spt-row { display: grid; grid-template-columns: clamp(90px, 24cqw, 230px) minmax(0, 1fr); gap: 8px; width: 100%; }
.spt-axis { font-size: 12px; color: var(--spt-muted); padding-inline: 6px; }
.spt-axis-name { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.spt-axis-track { position: relative; height: 18px; }
.spt-axis-track span { position: absolute; white-space: nowrap; border-inline-start: 1px solid var(--spt-border); padding-inline-start: 3px; }

.spt-row { font: inherit; color: inherit; text-align: start; background: none; border: 0; border-bottom: 1px solid var(--spt-line); padding: 0 6px; align-items: center; cursor: pointer; }
.spt-row:hover { background: var(--spt-subtle); }
.spt-row.spt-chosen, .spt-table-row.spt-chosen { background: var(--spt-raised); box-shadow: inset 3px 0 0 var(--spt-brand); }
.spt-row-name { display: flex; gap: 6px; align-items: center; min-width: 0; font-size: 13px; }
.spt-row-name bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.spt-track { position: relative; height: 100%; overflow: hidden; }
.spt-track > span { position: absolute; }
.spt-usual { top: 3px; bottom: 3px; background: var(--spt-raised); border: 1px dashed var(--spt-border); border-radius: 3px; }
.spt-bar-took { top: 6px; bottom: 6px; min-width: 3px; background: var(--tone); border-radius: 3px; }
.spt-bar-took.spt-state-f { background: repeating-linear-gradient(45deg, var(--tone) 0 5px, var(--tone-bg) 5px 9px); outline: 1px solid var(--tone); }
.spt-bar-took.spt-state-p { background: repeating-linear-gradient(90deg, var(--tone) 0 3px, var(--tone-bg) 3px 6px); }
.spt-bar-took.spt-state-x { border-inline-end: 3px solid var(--tone-fg); opacity: 0.85; }
.spt-bar-words { top: 4px; font-size: 12px; white-space: nowrap; color: var(--spt-muted); }
.spt-bar-words.spt-late { color: ${color("fg-warning", "#a15c00")}; }
.spt-reused-bar { inset-inline-start: 0; top: 4px; bottom: 4px; font-size: 12px; line-height: 16px; padding: 0 7px; border: 1px dashed ${color("purple-solid", "#7a3fb5")}; border-radius: 3px; color: ${color("purple-fg", "#6b2fa8")}; background: ${color("purple-subtle", "#f5edfc")}; white-space: nowrap; }


.spt-table { border-collapse: collapse; width: 100%; font-size: 13px; }
.spt-table th, .spt-table td { text-align: start; padding: 0 10px; height: 33px; border-bottom: 1px solid var(--spt-line); white-space: nowrap; max-width: 260px; overflow: hidden; text-overflow: ellipsis; font-weight: 400; }
.spt-table thead th { position: sticky; top: 0; background: var(--spt-subtle); z-index: 1; }
.spt-table .spt-number { text-align: end; font-variant-numeric: tabular-nums; }
.spt-table-row { cursor: pointer; }
.spt-table-row:hover { background: var(--spt-subtle); }
.spt-sort, .spt-cell-button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 2px 0; cursor: pointer; max-width: 100%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.spt-history { list-style: none; margin: 0; padding: 0; display: grid; gap: 6px; }
.spt-history li { border-inline-start: 3px solid var(--spt-line); padding-inline-start: 10px; overflow-wrap: anywhere; }

.spt-dialog { color: var(--spt-fg); background: ${color("bg-panel", "Canvas")}; border: 1px solid var(--spt-border); border-radius: 10px; padding: 16px 18px; width: min(860px, calc(100vw - 24px)); max-height: calc(100vh - 24px); overflow: auto; margin: auto; container-type: inline-size; }
.spt-dialog::backdrop { background: rgb(0 0 0 / 0.45); }
.spt-dialog h3 { font-size: 16px; }
.spt-progress { appearance: none; width: 100%; height: 8px; border: 0; border-radius: 4px; background: var(--spt-raised); overflow: hidden; }
.spt-progress::-webkit-progress-bar { background: var(--spt-raised); }
.spt-progress::-webkit-progress-value { background: var(--tone); transition: width 0.4s; }
.spt-progress::-moz-progress-bar { background: var(--tone); }
.spt-answers { justify-content: flex-end; margin-top: 12px; }
.spt-cards { display: grid; gap: 10px; }
.spt-card { border: 1px solid var(--spt-border); border-inline-start: 5px solid var(--tone); border-radius: 8px; padding: 10px 12px; display: grid; gap: 6px; min-width: 0; }

@container (min-width: 760px) {
  .spt-stage.spt-with-panel { grid-template-columns: minmax(0, 1fr) minmax(300px, 36%); }
  .spt-stage.spt-with-panel .spt-panel { max-height: 620px; overflow: auto; }
}
@container (max-width: 620px) {
  .spt-wide { display: none; }
  .spt-table th, .spt-table td { padding: 0 6px; max-width: 150px; }
  .spt-steps { grid-template-columns: minmax(0, 1fr); gap: 3px; }
  .spt-steps > span { margin-bottom: 6px; }
}
@container (max-width: 400px) { .spt-facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .spt-facts dd { margin-bottom: 5px; } }
@media (prefers-reduced-motion: no-preference) {
  .spt-state-x .spt-node-edge, .spt-bar-took.spt-state-x { animation: spt-pulse 1.6s ease-in-out infinite alternate; }
  @keyframes spt-pulse { to { opacity: 0.5; } }
}
@media (forced-colors: active) { .spt-bar-took, .spt-node-edge { forced-color-adjust: none; } }
`;

/** Put the rules into the page, once. */
export function addStyle() {
  if (document.getElementById("spt-style")) return;
  const style = document.createElement("style");
  style.id = "spt-style";
  style.textContent = CSS;
  document.head.append(style);
}
