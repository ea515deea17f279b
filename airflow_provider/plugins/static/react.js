// React as Airflow's UI has it. The host leaves it on the global object; a second copy could not share its hooks.
export const React = globalThis.React;
export const h = React.createElement;
export const { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, memo, Fragment } = React;
