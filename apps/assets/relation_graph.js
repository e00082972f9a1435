// The graph of relations, run by the page's HTML component: `element` holds relation_graph.html, `props.value` is the
// payload of apps/render_relations.py, `watch` tells of a new one, `trigger` tells the server what the filters show.
// What users wrote is only ever data or `textContent`, never markup.
const find = selector => element.querySelector(selector);
const [canvas, types, kinds, choices, least, lonely, told] =
  ['.canvas', '.types', '.kinds', '.choices', '.least input', '.lonely input', '.told'].map(find);
let cy, data, waiting, arranged = true;

const make = (tag, words, parent, attributes = {}) => {
  const made = document.createElement(tag);
  made.textContent = words;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent?.append(made);
  return made;
};
const OTHERS = {translate: 'no'}; // words that are not the page's own
const count = (number, noun) => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

// ------------------------------------------------------------------------------------------------ drawing

const short = name => name.length > 40 ? `${name.slice(0, 38)}…` : name;
const elements = () => [
  ...data.nodes.map(node => ({group: 'nodes', data: {...node, label: short(node.name), size: Math.min(56, 18 + 7 * Math.log2(1 + node.mentions))}})),
  ...data.edges.map(edge => ({group: 'edges', data: {...edge, source: edge.head, target: edge.tail}})),
];

const looks = () => {
  const style = getComputedStyle(element);
  const [ink, paper, pale] = ['--body-text-color', '--background-fill-primary', '--body-text-color-subdued'].map(name =>
    style.getPropertyValue(name).trim());
  const words = {'color': ink, 'font-family': style.fontFamily, 'text-outline-color': paper, 'text-outline-width': 2};
  return [
    {selector: 'node', style: {...words, 'label': 'data(label)', 'font-size': 12, 'width': 'data(size)', 'height': 'data(size)',
      'background-color': 'data(color)', 'shape': 'data(shape)', 'text-valign': 'bottom', 'text-margin-y': 4, 'text-wrap': 'wrap',
      'text-max-width': 110, 'min-zoomed-font-size': 6}},
    {selector: 'edge', style: {...words, 'label': 'data(relation)', 'font-size': 10, 'width': 'mapData(score, 0, 1, 1, 4)',
      'line-color': pale, 'target-arrow-color': pale, 'target-arrow-shape': 'triangle', 'curve-style': 'bezier',
      'text-rotation': 'autorotate', 'text-wrap': 'ellipsis', 'text-max-width': 120, 'min-zoomed-font-size': 7}},
    {selector: '.hidden', style: {'display': 'none'}},
    {selector: '.far', style: {'opacity': 0.2}},
    {selector: ':selected', style: {'underlay-color': ink, 'underlay-opacity': 0.3, 'underlay-padding': 6}},
    {selector: ':active', style: {'overlay-opacity': 0.1}},
  ];
};

// From a circle, not from chance: the same graph is always arranged alike. Then as wide as the frame is.
const arrange = () => {
  arranged = canvas.clientWidth > 0;
  const shown = cy?.elements().not('.hidden');
  if (!arranged || !shown?.nonempty()) return;
  shown.layout({name: 'circle', animate: false}).run();
  shown.layout({name: 'cose', animate: false, randomize: false, fit: false, nodeDimensionsIncludeLabels: true, idealEdgeLength: () => 60,
    nodeRepulsion: () => 4000, componentSpacing: 60, nodeOverlap: 12, numIter: shown.nodes().length > 120 ? 400 : 1000}).run();
  const box = shown.boundingBox();
  const stretch = Math.max(0.6, Math.min(2.2, canvas.clientWidth / canvas.clientHeight * box.h / box.w));
  shown.nodes().positions(node => ({x: node.position('x') * stretch, y: node.position('y')}));
  fit();
};

const fit = () => {
  const shown = cy.elements().not('.hidden');
  cy.fit(shown, 24);
  if (cy.zoom() > 1.4) { cy.zoom(1.4); cy.center(shown); }
};

// Labels shrink less than the graph does, as long as there is room for them.
let drawing;
const legible = () => {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    const size = Math.max(12, Math.min(24, 11 / cy.zoom()));
    cy.batch(() => {
      cy.nodes().style({'font-size': size, 'text-max-width': 9 * size});
      cy.edges().style({'font-size': size * 0.85, 'text-max-width': 10 * size});
    });
  });
};

const draw = () => {
  cy?.destroy();
  data = props.value;
  clearTimeout(waiting);
  if (!data?.nodes) return;
  least.value = 0;
  lonely.checked = !data.edges.length;
  listTypes();
  listKinds();
  cy = cytoscape({container: canvas, elements: elements(), style: looks(), layout: {name: 'preset'}, minZoom: 0.05, maxZoom: 5,
    selectionType: 'single', boxSelectionEnabled: false});
  canvas.cy = cy;
  cy.on('select unselect', tell);
  cy.on('zoom', legible);
  filter();
  arrange();
};

// ------------------------------------------------------------------------------------------------ filters

const listTypes = () => {
  types.replaceChildren();
  for (const type of data.types) {
    const chip = make('button', type.name, types, {'type': 'button', 'aria-pressed': 'true', 'data-type': type.type});
    chip.style.setProperty('--tone', type.color);
    make('small', type.count.toLocaleString('en'), chip);
  }
};

const listKinds = () => {
  choices.replaceChildren();
  kinds.hidden = !data.relations.length;
  for (const kind of data.relations) {
    const label = make('label', '', choices);
    const box = make('input', '', label, {type: 'checkbox', value: kind.relation});
    box.checked = true;
    label.append(' ', make('span', kind.relation, null, OTHERS), ' ');
    make('small', kind.count.toLocaleString('en'), label);
  }
};

const wanted = () => ({
  types: [...types.children].filter(chip => chip.ariaPressed === 'true').map(chip => chip.dataset.type),
  relations: [...choices.querySelectorAll('input:checked')].map(box => box.value),
  threshold: Number(least.value),
  lonely: lonely.checked,
});

const filter = () => {
  const {types: kept, relations, threshold, lonely: alone} = wanted();
  find('.least b').textContent = threshold.toFixed(2);
  find('summary').textContent = `Relations: ${relations.length} of ${data.relations.length}`;
  cy.batch(() => {
    cy.elements().removeClass('hidden');
    cy.nodes().filter(node => !kept.includes(node.data('type'))).addClass('hidden');
    const edges = cy.edges().filter(edge => edge.connectedNodes('.hidden').empty()
      && edge.data('score') >= threshold && relations.includes(edge.data('relation')));
    cy.edges().not(edges).addClass('hidden');
    if (!alone) cy.nodes().not(edges.connectedNodes()).addClass('hidden');
    cy.$(':selected.hidden').unselect();
  });
  const [nodes, edges] = [cy.nodes().not('.hidden').length, cy.edges().not('.hidden').length];
  canvas.ariaLabel = `Graph: ${count(nodes, 'entity').replace('entitys', 'entities')}, ${count(edges, 'relation')}. The table tells the same in words.`;
  find('.empty').textContent = nodes ? '' : data.nodes.length
    ? `Nothing passes the filters${data.edges.length ? '' : '; no relation was found'}.` : 'There is nothing to draw: no entity was found.';
  tell();
};

// The table and the files on the page follow, once the hand rests.
const changed = () => {
  filter();
  clearTimeout(waiting);
  waiting = setTimeout(() => trigger('input', wanted()), 350);
};

types.addEventListener('click', event => {
  const chip = event.target.closest('button');
  if (!chip) return;
  chip.ariaPressed = chip.ariaPressed === 'true' ? 'false' : 'true';
  changed();
});
kinds.addEventListener('click', event => {
  const all = event.target.closest('button')?.dataset.all;
  if (all === undefined) return;
  choices.querySelectorAll('input').forEach(box => { box.checked = Boolean(all); });
  changed();
});
choices.addEventListener('change', changed);
least.addEventListener('input', changed);
lonely.addEventListener('change', () => { changed(); arrange(); });

// ------------------------------------------------------------------------------------------------ evidence

const tellEdge = (edge, list) => {
  const item = make('li', '', list);
  const triple = make('p', '', item);
  make('b', edge.source().data('name'), triple, OTHERS);
  triple.append(' ', make('span', edge.data('relation'), null, OTHERS), ' ');
  make('b', edge.target().data('name'), triple, OTHERS);
  make('small', ` ${edge.data('score').toFixed(2)}`, triple);
  for (const each of edge.data('evidence')) {
    const quote = make('blockquote', each.text, item, OTHERS);
    if (data.several) quote.append(' ', make('cite', each.source, null));
  }
  if (edge.data('more')) make('small', `and ${count(edge.data('more'), 'more sentence')}`, item);
};

const tell = () => {
  const chosen = cy.$(':selected').first();
  cy.elements().removeClass('far');
  told.replaceChildren();
  if (chosen.empty()) {
    make('p', data.note || 'Press an entity or a relation to see its evidence; drag to arrange, scroll or pinch to zoom.', told);
    return;
  }
  const edges = (chosen.isEdge() ? chosen : chosen.connectedEdges()).not('.hidden');
  cy.elements().not(edges.union(edges.connectedNodes()).union(chosen)).addClass('far');
  if (chosen.isNode()) {
    make('h3', chosen.data('name'), told, OTHERS);
    const sources = data.several ? ` in ${chosen.data('sources').join(', ')}` : '';
    make('p', `${chosen.data('kind')}, ${count(chosen.data('mentions'), 'mention')}${sources}; ${count(edges.length, 'relation')}`, told);
  }
  const list = make('ul', '', told);
  edges.sort((one, other) => other.data('score') - one.data('score')).slice(0, 30).forEach(edge => tellEdge(edge, list));
};

// ------------------------------------------------------------------------------------------------ zoom, picture, looks

const zoom = factor => cy.zoom({level: cy.zoom() * factor, renderedPosition: {x: canvas.clientWidth / 2, y: canvas.clientHeight / 2}});

const save = async () => {
  const bg = getComputedStyle(element).getPropertyValue('--background-fill-primary').trim();
  const link = make('a', '', null, {download: 'relations.png'});
  link.href = URL.createObjectURL(await cy.png({output: 'blob-promise', full: true, scale: 2, maxWidth: 6000, maxHeight: 6000, bg}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

const actions = {in: () => zoom(1.3), out: () => zoom(1 / 1.3), fit, arrange, png: save};
find('.buttons').addEventListener('click', event => {
  const action = actions[event.target.closest('button')?.dataset.do];
  if (cy && action) action();
});

// What is above the graph may have moved it, of which no event tells; without this a press would miss.
for (const name of ['pointerenter', 'pointerdown']) find('.stage').addEventListener(name, () => cy?.resize(), true);
new ResizeObserver(() => {
  cy?.resize();
  if (!arranged) arrange();
}).observe(canvas);
new MutationObserver(() => cy?.style(looks())).observe(document.body, {attributeFilter: ['class']});
watch('value', draw);
draw();
