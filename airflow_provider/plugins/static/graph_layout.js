// Where the nodes of a graph go: in layers, with few crossings, by the usual steps (longest path, dummy nodes on long
// edges, medians, then positions near the neighbours). Knows nothing of components or of the screen.

const SWEEPS = 6;
const SHIFTS = 8;
const MOST_DUMMIES = 4000; // beyond that a long edge runs straight, as there are too many to follow

/**
 * Lay out `nodes`, each `{ id, needs }` with the ids it depends on.
 * Returns the places of nodes by id, the points of each edge, and the size of all. `flow` is "right" or "down".
 */
export function layOut(nodes, { width, height, along, across, flow = "right" }) {
  const sizes = flow === "right" ? { deep: width, wide: height } : { deep: height, wide: width };
  const cells = new Map(nodes.map((node) => [node.id, cell(node.id, sizes.wide)]));
  const edges = nodes.flatMap((node) => node.needs.filter((need) => cells.has(need)).map((need) => [need, node.id]));
  setLayers(cells, edges);
  const long = edges.reduce((sum, [from, to]) => sum + Math.max(0, cells.get(to).layer - cells.get(from).layer - 1), 0);
  const routes = edges.map(([from, to]) => route(cells.get(from), cells.get(to), long <= MOST_DUMMIES ? cells : null));
  const layers = [];
  for (const one of cells.values()) (layers[one.layer] ??= []).push(one);
  for (const layer of layers) layer.forEach((one, index) => (one.order = index));
  order(layers);
  place(layers, across);
  const offset = Math.min(0, ...layers.flat().map((one) => one.at - one.wide / 2));
  const extent = Math.max(0, ...layers.flat().map((one) => one.at + one.wide / 2)) - offset;
  const depth = (layer) => layer * (sizes.deep + along);
  const point = (deep, wide) => (flow === "right" ? [deep, wide - offset] : [wide - offset, deep]);
  return {
    places: new Map(nodes.map((node) => [node.id, corner(cells.get(node.id), depth, point, sizes)])),
    paths: routes.map((cellsOnWay, index) => ({
      from: edges[index][0],
      to: edges[index][1],
      d: curve(cellsOnWay, depth, point, sizes.deep, flow),
    })),
    width: flow === "right" ? depth(layers.length) - along : extent,
    height: flow === "right" ? extent : depth(layers.length) - along,
  };
}

function cell(id, wide) {
  return { id, wide, layer: 0, order: 0, at: 0, before: [], after: [], dummy: wide === 0 };
}

function setLayers(cells, edges) {
  const before = new Map([...cells.keys()].map((id) => [id, []]));
  for (const [from, to] of edges) before.get(to).push(from);
  const settled = new Map();
  for (const id of cells.keys()) settle(id, before, settled);
  for (const [id, layer] of settled) cells.get(id).layer = layer;
}

/** The longest way to a node, without recursion: a chain may have thousands. */
function settle(start, before, settled) {
  const stack = [start];
  const open = new Set();
  while (stack.length) {
    const id = stack.at(-1);
    const missing = before.get(id).filter((need) => !settled.has(need) && !open.has(need));
    if (settled.has(id)) stack.pop();
    else if (missing.length) {
      open.add(id);
      stack.push(...missing);
    } else {
      settled.set(id, Math.max(-1, ...before.get(id).map((need) => settled.get(need) ?? -1)) + 1);
      stack.pop();
    }
  }
}

/** Put dummy nodes into the layers that an edge passes, so that it has room there; without `cells` there are none. */
function route(from, to, cells) {
  const way = [from];
  for (let layer = from.layer + 1; cells && layer < to.layer; layer += 1) {
    const dummy = cell(`${from.id}→${to.id}@${layer}`, 0);
    dummy.layer = layer;
    cells.set(dummy.id, dummy);
    way.push(dummy);
  }
  way.push(to);
  for (let index = 1; index < way.length; index += 1) {
    way[index - 1].after.push(way[index]);
    way[index].before.push(way[index - 1]);
  }
  return way;
}

function order(layers) {
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const walk = down ? layers.slice(1) : layers.slice(0, -1).reverse();
    for (const layer of walk) {
      for (const one of layer) one.key = median(down ? one.before : one.after, one.order);
      layer.sort((left, right) => left.key - right.key || left.order - right.order);
      layer.forEach((one, index) => (one.order = index));
    }
  }
}

function median(neighbours, otherwise) {
  if (!neighbours.length) return otherwise;
  const orders = neighbours.map((one) => one.order).sort((left, right) => left - right);
  const middle = orders.length >> 1;
  return orders.length % 2 ? orders[middle] : (orders[middle - 1] + orders[middle]) / 2;
}

function place(layers, gap) {
  const apart = (left, right) => (left.wide + right.wide) / 2 + (left.dummy && right.dummy ? gap / 2 : gap);
  for (const layer of layers) {
    let at = 0;
    layer.forEach((one, index) => {
      at += index ? apart(layer[index - 1], one) : 0;
      one.at = at;
    });
    const middle = at / 2;
    for (const one of layer) one.at -= middle;
  }
  for (let shift = 0; shift < SHIFTS; shift += 1) {
    const down = shift % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) pull(layer, down, apart);
  }
}

/** Move the nodes of a layer towards their neighbours: the mean of the leftmost and of the rightmost way that fits. */
function pull(layer, down, apart) {
  const wanted = layer.map((one) => mean(down ? one.before : one.after) ?? one.at);
  const left = [];
  const right = [];
  for (let index = 0; index < layer.length; index += 1) {
    left[index] = index ? Math.max(wanted[index], left[index - 1] + apart(layer[index - 1], layer[index])) : wanted[index];
  }
  for (let index = layer.length - 1; index >= 0; index -= 1) {
    const next = index + 1;
    right[index] = next < layer.length ? Math.min(wanted[index], right[next] - apart(layer[index], layer[next])) : wanted[index];
  }
  layer.forEach((one, index) => (one.at = (left[index] + right[index]) / 2));
}

function mean(neighbours) {
  return neighbours.length ? neighbours.reduce((sum, one) => sum + one.at, 0) / neighbours.length : null;
}

function corner(one, depth, point, sizes) {
  const [x, y] = point(depth(one.layer), one.at - sizes.wide / 2);
  return { x, y, layer: one.layer, order: one.order };
}

function curve(way, depth, point, deep, flow) {
  const stops = [point(depth(way[0].layer) + deep, way[0].at)];
  for (const dummy of way.slice(1, -1)) stops.push(point(depth(dummy.layer), dummy.at), point(depth(dummy.layer) + deep, dummy.at));
  stops.push(point(depth(way.at(-1).layer), way.at(-1).at));
  const round = (number) => Math.round(number * 10) / 10;
  let d = `M${round(stops[0][0])} ${round(stops[0][1])}`;
  for (let index = 1; index < stops.length; index += 1) {
    const [x0, y0] = stops[index - 1];
    const [x1, y1] = stops[index];
    const [mx, my] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const [a, b] = flow === "right" ? [`${round(mx)} ${round(y0)}`, `${round(mx)} ${round(y1)}`] : [`${round(x0)} ${round(my)}`, `${round(x1)} ${round(my)}`];
    d += y0 === y1 || x0 === x1 ? `L${round(x1)} ${round(y1)}` : `C${a} ${b} ${round(x1)} ${round(y1)}`;
  }
  return d;
}
